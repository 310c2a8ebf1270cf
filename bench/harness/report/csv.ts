/** Every invocation as a line of a table (RFC 4180), for R, pandas and spreadsheets. docs/benchmark-data.md describes the columns. */
import type { InvocationRecord } from '../records.ts';
import { labelOf, seriesOf } from '../point.ts';
import { MMU_WINDOWS_MS } from '../statistics/mutator-utilization.ts';
import { PERCENTILES } from '../statistics/percentiles.ts';

type Value = string | number | undefined;

export function csvText(records: readonly InvocationRecord[]): string {
  const lines = records.map(columnsOf);
  const names = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  return [names, ...lines.map((line) => names.map((name) => line[name]))].map((cells) => `${cells.map(cellText).join(',')}\r\n`).join('');
}

function columnsOf({ point, round, configuration, startedAt, processMs, cpu, on, result, raw }: InvocationRecord): Record<string, Value> {
  const { workload, system, driver, barrier, heapBytes, mutators, seed, parameters, options, environment, pin } = configuration;
  return {
    label: labelOf(point),
    series: seriesOf(point),
    arm: point.arm,
    round,
    startedAt,
    processMs,
    workload,
    system,
    driver,
    mode: barrier?.mode,
    marker: barrier?.marker,
    faultAroundPages: barrier?.faultAroundPages,
    heapBytes,
    heapFactor: 'factor' in point.heap ? point.heap.factor : undefined,
    mutators,
    seed,
    parameters: JSON.stringify(parameters),
    options: jsonOf(options),
    environment: jsonOf(environment),
    pin,
    commit: on.commit,
    build: on.build,
    node: on.node,
    kernel: on.kernel,
    affinity: on.affinity,
    foreignShare: cpu.foreign,
    harnessShare: cpu.harness,
    ok: result.ok ? 1 : 0,
    failure: result.ok ? undefined : result.code,
    raw,
    ...(result.ok
      ? {
          wallNs: result.wallNs,
          operations: result.operations,
          checks: result.checks,
          collections: result.collections,
          ...prefixed('cpuNs', result.cpuNs),
          wallIdentifiedNs: result.wall.identified * result.operations,
          cpuIdentifiedNs: result.cpu.identified * result.operations,
          peakBytes: result.memory.peakBytes,
          meanBytes: result.memory.meanBytes,
          metadataBytes: result.memory.metadataBytes,
          liveBytes: result.memory.liveBytes,
          allocatedBytes: result.allocatedBytes,
          writtenPages: result.writtenPages,
          ...Object.fromEntries(MMU_WINDOWS_MS.map((window, i) => [`mmu${window}ms`, result.mmu[i]])),
          ...Object.assign(
            {},
            ...Object.entries(result.pausesByKind).map(([kind, pauses]) => ({
              ...tail(`pause.${kind}`, pauses.percentilesNs),
              [`pause.${kind}.count`]: pauses.count,
            })),
          ),
          ...Object.assign(
            {},
            ...Object.entries(result.interruptions).map(([kind, [count, totalNs]]) => ({
              [`${kind}.count`]: count,
              [`${kind}.totalNs`]: totalNs,
            })),
          ),
          ...(result.latencies === undefined ? {} : tail('latency', result.latencies.simple.percentilesNs)),
          ...(result.latencies === undefined ? {} : tail('metered', result.latencies.metered.percentilesNs)),
          ...tail('beside', result.hiccupNs),
          ...prefixed('counter', result.counters ?? {}),
          iterationsNs: result.iterations?.measuredNs.map((lengths) => lengths.join(' ')).join(' | '),
          warmUpNs: result.iterations?.warmUpNs.map((lengths) => lengths.join(' ')).join(' | '),
        }
      : {}),
  };
}

function prefixed(prefix: string, values: object): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value as Value]));
}

function tail(prefix: string, valuesNs: readonly number[]): Record<string, Value> {
  return Object.fromEntries(PERCENTILES.map((percent, i) => [`${prefix}.${percent === 100 ? 'max' : `p${percent}`}Ns`, valuesNs[i]]));
}

function jsonOf(value: object | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function cellText(value: Value): string {
  const text = value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
