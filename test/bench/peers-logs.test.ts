/**
 * Logs of peers: real lines of each runtime's own log (OpenJDK 17.0.15, Go 1.19.8), and the figures that come of them.
 */
import { describe, expect, it } from 'vitest';
import { cpuOf, interruptionsOf, memoryOf, pausesOf, sortRequests, within } from '../../bench/peers/account.ts';
import { parseGoTrace } from '../../bench/peers/go-trace.ts';
import { parseOpenJdkLog } from '../../bench/peers/openjdk-log.ts';
import { cpuBetween, readThreadClocks, residentBytes } from '../../bench/peers/process-clocks.ts';
import type { ProgramResult } from '../../bench/peers/program.ts';
import { type Account, PEERS } from '../../bench/peers/systems.ts';

const ZGC = `\
[36302692207331ns][info][gc,init] Initial Capacity: 32M
[36302792481506ns][info][safepoint   ] Safepoint "ZMarkEnd", Time since last: 3960305 ns, Reaching safepoint: 1182 ns, Cleanup: 1822 ns, At safepoint: 15784 ns, Total: 18788 ns
[36302792492300ns][info][gc,phases   ] GC(0) Pause Mark End 0.013ms
[36302804110348ns][info][gc          ] Allocation Stall (mutator-0) 15.809ms
[36302808651076ns][info][gc,heap     ] GC(0) Min Capacity: 32M(100%)
[36302808703934ns][info][gc,heap     ] GC(0)  Capacity:       32M (100%)         32M (100%)         32M (100%)         32M (100%)         32M (100%)         32M (100%)   
[36302808707100ns][info][gc,heap     ] GC(0)      Live:         -                20M (63%)          20M (63%)          20M (63%)             -                  -          
[36302808799757ns][info][gc          ] GC(0) Garbage Collection (Allocation Stall) 32M(100%)->28M(88%)
[36302814565225ns][info][safepoint   ] Safepoint "ZMarkEnd", Time since last: 4998178 ns, Reaching safepoint: 1553 ns, Cleanup: 2013 ns, At safepoint: 27791 ns, Total: 31357 ns
[36302816164151ns][info][gc          ] Allocation Stall (mutator-0) 6.752ms
`;

const G1 = `\
[34561351074784ns][info][gc          ] GC(0) Pause Young (Normal) (G1 Evacuation Pause) 29M->9M(512M) 6.915ms
[34561351098258ns][info][safepoint   ] Safepoint "G1CollectForAllocation", Time since last: 269784641 ns, Reaching safepoint: 4307 ns, Cleanup: 16725 ns, At safepoint: 6980819 ns, Total: 7001851 ns
[34561356186630ns][info][gc,start    ] GC(1) Pause Full (System.gc())
[34561361838930ns][info][gc             ] GC(1) Pause Full (System.gc()) 11M->1M(512M) 5.653ms
[34561361868023ns][info][safepoint      ] Safepoint "G1CollectFull", Time since last: 5058457 ns, Reaching safepoint: 6841 ns, Cleanup: 8532 ns, At safepoint: 5696105 ns, Total: 5711478 ns
`;

const SHENANDOAH = `\
[34566564366334ns][info][gc,init] Heap Initial Capacity: 512M
[34566921581875ns][info][gc          ] GC(0) Pause Init Mark (unload classes) 0.061ms
[34566921586863ns][info][safepoint   ] Safepoint "ShenandoahInitMark", Time since last: 321390382 ns, Reaching safepoint: 5268 ns, Cleanup: 33961 ns, At safepoint: 68021 ns, Total: 107250 ns
[34566923583289ns][info][gc          ] GC(0) Concurrent cleanup 30M->1M(512M) 0.059ms
[34567180051121ns][info][gc,stats    ] Pacing                             1413 us
[34567359657341ns][info][gc,stats    ] Pacing                         =    0.001 s (a =      353 us) (n =     4) (lvls, us =        0,        0,        0,        0,     1413)
[36304711567002ns][info][gc          ] GC(7) Pause Degenerated GC (Outside of Cycle) 30M->20M(32M) 1.861ms
`;

const EPSILON = `\
[34571154627958ns][info   ][safepoint   ] Safepoint "Cleanup", Time since last: 1000228670 ns, Reaching safepoint: 116744 ns, Cleanup: 42613 ns, At safepoint: 5538 ns, Total: 164895 ns
[34571527755706ns][info   ][gc          ] Heap: 4096M reserved, 4096M (100.00%) committed, 207M (5.06%) used
`;

const GO = `\
gc 1 @0.111s 0%: 0.048+0.30+0.002 ms clock, 0.096+0/0.070/0.17+0.005 ms cpu, 22->22->0 MB, 246 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
a line of the program itself
gc 2 @0.815s 0%: 0.012+25+0.068 ms clock, 0.025+0.5/4.6/0.11+0.13 ms cpu, 228->233->11 MB, 232 MB goal, 0 MB stacks, 0 MB globals, 2 P
`;

const MIB = 2 ** 20;

describe('the log of OpenJDK', () => {
  it('gives whole safepoints as pauses, the time to reach them included', () => {
    expect(parseOpenJdkLog(G1).pauses).toEqual([
      [34561351098258 - 7001851, 7001851, 'G1CollectForAllocation'],
      [34561361868023 - 5711478, 5711478, 'G1CollectFull'],
    ]);
  });

  it('tells stops for other reasons from those of the collector', () => {
    const { pauses, safepoints } = parseOpenJdkLog(EPSILON);
    expect(pauses).toEqual([]);
    expect(safepoints).toEqual([[34571154627958 - 164895, 164895, 'Cleanup']]);
  });

  it('gives the waits of a thread for memory', () => {
    expect(parseOpenJdkLog(ZGC).stalls.get('mutator-0')).toEqual([
      [36302804110348 - 15.809e6, 15.809e6, 'stall'],
      [36302816164151 - 6.752e6, 6.752e6, 'stall'],
    ]);
  });

  it('gives the waits of a thread for an object that is moved, but none twice', () => {
    const stalls = (text: string): unknown => parseOpenJdkLog(text).stalls.get('mutator-0');
    const moved = '[46753369122326ns][info][gc          ] Relocation Stall (mutator-0) 2.572ms';
    const around = '[46753369212931ns][info][gc          ] Allocation Stall (mutator-0) 14.433ms';
    expect(stalls(moved)).toEqual([[46753369122326 - 2.572e6, 2.572e6, 'stall']]);
    expect(stalls(`${moved}\n${around}`)).toEqual([[46753369212931 - 14.433e6, 14.433e6, 'stall']]);
    expect(stalls(`${moved}\n${around.replace('14.433', '0.030')}`)).toHaveLength(2);
  });

  it('gives the pacing of each cycle of Shenandoah, and not its sum once more', () => {
    expect(parseOpenJdkLog(SHENANDOAH).pacing).toEqual([[34567180051121, 1_413_000]]);
  });

  it('counts collections by their numbers', () => {
    expect([...parseOpenJdkLog(G1).collections.keys()]).toEqual([0, 1]);
    expect([...parseOpenJdkLog(SHENANDOAH).collections.keys()]).toEqual([0, 7]);
    expect(parseOpenJdkLog(EPSILON).collections.size).toBe(0);
  });

  it('gives committed and used memory of every collector', () => {
    expect(parseOpenJdkLog(G1).committed).toEqual([
      [34561351074784, 512 * MIB],
      [34561361838930, 512 * MIB],
    ]);
    expect(parseOpenJdkLog(G1).used).toEqual([
      [34561351074784, 9 * MIB],
      [34561361838930, MIB],
    ]);
    expect(parseOpenJdkLog(ZGC).committed).toEqual([
      [36302692207331, 32 * MIB],
      [36302808703934, 32 * MIB],
    ]);
    expect(parseOpenJdkLog(ZGC).used).toEqual([[36302808799757, 28 * MIB]]);
    expect(parseOpenJdkLog(SHENANDOAH).committed.slice(0, 2)).toEqual([
      [34566564366334, 512 * MIB],
      [34566923583289, 512 * MIB],
    ]);
    expect(parseOpenJdkLog(SHENANDOAH).used).toEqual([
      [34566923583289, MIB],
      [36304711567002, 20 * MIB],
    ]);
    expect(parseOpenJdkLog(EPSILON).committed).toEqual([[34571527755706, 4096 * MIB]]);
    expect(parseOpenJdkLog(EPSILON).used).toEqual([[34571527755706, 207 * MIB]]);
  });

  it('gives what ZGC found alive, when it had found it', () => {
    expect(parseOpenJdkLog(ZGC).marked).toEqual([[36302792492300, 20 * MIB]]);
    expect(parseOpenJdkLog(G1).marked).toEqual([]);
  });

  it('tells of waits only where the collector does', () => {
    const account = (name: string, log: string): Account =>
      PEERS.get(name)!.account({ log, standardError: '', resident: [], result: {} as ProgramResult });
    expect(account('openjdk-g1', G1)).not.toHaveProperty('stalls');
    expect(account('openjdk-g1', G1)).not.toHaveProperty('waits');
    expect(account('openjdk-zgc', ZGC).stalls?.get('mutator-0')).toHaveLength(2);
    expect(account('openjdk-shenandoah', SHENANDOAH)).toMatchObject({ waits: [[34567180051121, 1_413_000]] });
  });

  it('tells what collections left, and nothing where there are none', () => {
    const live = (name: string, log: string): Account['live'] =>
      PEERS.get(name)!.account({ log, standardError: '', resident: [], result: {} as ProgramResult }).live;
    expect(live('openjdk-zgc', ZGC)).toEqual([[36302792492300, 20 * MIB]]);
    expect(live('openjdk-g1', G1)).toEqual([
      [34561351074784, 9 * MIB],
      [34561361838930, MIB],
    ]);
    expect(live('openjdk-epsilon', EPSILON)).toBeUndefined();
  });

  it('says when messages were lost', () => {
    expect(parseOpenJdkLog(G1).lost).toBe(0);
    expect(parseOpenJdkLog('[1ns][warning][                ]   7 messages dropped due to async logging').lost).toBe(7);
  });
});

describe("the trace of Go's collector", () => {
  it('gives both pauses of a collection where they were', () => {
    const [first, second] = parseGoTrace(GO);
    expect(parseGoTrace(GO)).toHaveLength(2);
    expect(first!.pauses.map(([startNs, lengthNs]) => [Math.round(startNs), Math.round(lengthNs)])).toEqual([
      [111_000_000, 48_000],
      [111_348_000, 2_000],
    ]);
    expect(second!.pauses[1]![0]).toBeCloseTo(815e6 + 25.012e6, 0);
    expect(second!.endNs).toBeCloseTo(815e6 + 25.08e6, 0);
  });

  it('counts assists as the CPU time of the collector', () => {
    const second = parseGoTrace(GO)[1]!;
    expect(second.assistCpuNs).toBe(0.5e6);
    expect(second.collectorCpuNs).toBeCloseTo((0.025 + 0.5 + 4.6 + 0.11 + 0.13) * 1e6, 3);
    expect(second.liveBytes).toBe(11 * MIB);
  });
});

describe('figures of the measured part', () => {
  const part = { beganNs: 1000, wallNs: 100 };
  const account: Account = {
    pauses: [
      [1050, 5, 'b'],
      [990, 20, 'before'],
      [1010, 3, 'a'],
      [1100, 1, 'after'],
    ],
    stops: [[1020, 2, 'Cleanup']],
    stalls: new Map([
      ['mutator-1', [[1030, 9, 'stall']]],
      ['main', [[1031, 1, 'stall']]],
    ]),
    waits: [
      [1040, 4],
      [2000, 4],
    ],
    collections: [1050],
    collectorCpu: [[1100, 7]],
    heap: [
      [900, 10],
      [950, 20],
      [1050, 40],
      [1075, 32],
      [1200, 99],
    ],
    heapSource: 'committed',
  };

  it('leaves out what begins before or after', () => {
    expect(pausesOf(account.pauses, part)).toEqual([
      [10, 3, 'a'],
      [50, 5, 'b'],
    ]);
    expect(within([[999], [1000], [1099], [1100]] as const, part)).toEqual([[1000], [1099]]);
  });

  it('stops every mutator at a safepoint, and only one in a stall', () => {
    const stops = [
      [10, 3, 'pause'],
      [20, 2, 'pause'],
      [50, 5, 'pause'],
    ];
    expect(interruptionsOf(account, part, 2)).toEqual([stops, [...stops.slice(0, 2), [30, 9, 'stall'], stops[2]]]);
  });

  it('interrupts the mutator that collects for longer than the others', () => {
    const slowPaths: Account['slowPaths'] = new Map([['mutator-0', [[1049, 8, 'slow-path']]]]);
    const collecting: Account = { ...account, stops: [], stalls: new Map(), slowPaths };
    const pauses = [
      [10, 3, 'pause'],
      [50, 5, 'pause'],
    ];
    expect(interruptionsOf(collecting, part, 2)).toEqual([[pauses[0], [49, 8, 'slow-path'], pauses[1]], pauses]);
  });

  it('weighs memory by time, from the last value before the begin on', () => {
    const memory = memoryOf(account, part, 0);
    expect(memory.peakBytes).toBe(40);
    expect(memory.meanBytes).toBe((20 * 50 + 40 * 25 + 32 * 25) / 100);
    expect(memory.series).toEqual([
      [0, 20],
      [50, 40],
      [75, 32],
    ]);
    expect(memory).not.toHaveProperty('liveBytes');
    expect(memoryOf(account, part, 5).liveBytes).toBe(5);
  });

  it('has what collections left as points of the measured part, or not at all', () => {
    expect(memoryOf(account, part, 0)).not.toHaveProperty('liveSeries');
    expect(
      memoryOf(
        {
          ...account,
          live: [
            [999, 7],
            [1101, 8],
          ],
        },
        part,
        0,
      ),
    ).not.toHaveProperty('liveSeries');
    const told = {
      ...account,
      live: [
        [999, 7],
        [1060, 9],
        [1020, 8],
      ] as const,
    };
    expect(memoryOf(told, part, 0)).toMatchObject({
      liveSeries: [
        [20, 8],
        [60, 9],
      ],
      liveSource: 'collector',
      liveBytes: 9,
    });
  });

  it('takes from the mutators what their threads did for the collector', () => {
    expect(cpuOf({ totalNs: 100, mutatorThreadsNs: 60, collectorThreadsNs: 30 }, account, part)).toEqual({
      total: 100,
      mutators: 53,
      collector: 37,
      stalls: 4 + 9 + 1,
    });
    const { collectorCpu: _, stalls: __, waits: ___, ...plain } = account;
    expect(cpuOf({ totalNs: 100, mutatorThreadsNs: 60 }, plain, part)).toEqual({ total: 100, mutators: 60 });
    expect(cpuOf({ totalNs: 100 }, { ...plain, collectorCpu: [[1001, 20]] }, part)).toEqual({ total: 100, mutators: 80, collector: 20 });
  });

  it('puts requests in the order of their starts', () => {
    expect([...sortRequests(Float64Array.of(5, 6, 1, 9, 3, 4))]).toEqual([1, 9, 3, 4, 5, 6]);
  });
});

describe('the clocks of a process', () => {
  it('count its CPU time by thread', () => {
    const before = readThreadClocks(process.pid);
    for (let i = 0, sum = 0; i < 3e6; i++) sum += Math.sqrt(i);
    const after = readThreadClocks(process.pid);
    expect(after.has(String(process.pid))).toBe(true);
    expect(cpuBetween(before, after)).toBeGreaterThan(0);
    expect(cpuBetween(before, after, () => false)).toBe(0);
    expect(cpuBetween(after, after)).toBe(0);
  });

  it('tell resident memory, and nothing of a process that is not there', () => {
    expect(residentBytes(process.pid)).toBeGreaterThan(MIB);
    expect(residentBytes(0x7fffffff)).toBe(0);
  });
});
