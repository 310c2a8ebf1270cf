package main

const (
	valueHeaderBytes = 8
	evictionSamples  = 5
	looks            = 2
)

// fragmentation is after the test of Redis in "Mesh: compacting memory management for C/C++ applications" (PLDI 2019): a cache is filled
// with more values of one size than it holds, then with values of another; what is evicted leaves holes everywhere. The logic is that
// of bench/workloads/fragmentation.ts.
type fragmentation struct {
	tally
	random                  *random
	limitBytes, bytes       int64
	firstBytes, secondBytes int
	firstCount, count       int
	clock                   uint32
	stamps, used            []uint32
	table                   [][]float64
}

func newFragmentation(p parameters, seed uint32) *fragmentation {
	f := &fragmentation{
		random:      newRandom(seed),
		limitBytes:  int64(p.number("limitBytes")),
		firstBytes:  p.integer("firstBytes") &^ 7,
		secondBytes: (p.integer("secondBytes") + 7) &^ 7,
		firstCount:  p.integer("firstCount"),
	}
	least := f.firstBytes
	if f.secondBytes < least {
		least = f.secondBytes
	}
	capacity := int(f.limitBytes)/least + 1
	f.stamps = make([]uint32, capacity)
	f.used = make([]uint32, capacity)
	return f
}

func (f *fragmentation) build() { f.table = make([][]float64, len(f.stamps)) }

func (f *fragmentation) step(index int) {
	f.clock++
	size := f.secondBytes
	if index < f.firstCount {
		size = f.firstBytes
	}
	for f.bytes+int64(size) > f.limitBytes {
		f.evict()
	}
	at := f.count
	f.count++
	f.stamps[at], f.used[at] = f.clock, f.clock
	f.bytes += int64(size)
	value := make([]float64, (size-valueHeaderBytes)>>3)
	for i := range value {
		value[i] = stampWord(f.clock, i)
	}
	f.table[at] = value
	for look := 0; look < looks; look++ {
		seen := f.random.below(f.count)
		f.used[seen] = f.clock
		f.checkValue(seen)
	}
}

func (f *fragmentation) verify() {
	for i := 0; i < f.count; i++ {
		f.checkValue(i)
		f.add(f.stamps[i])
	}
}

func (f *fragmentation) corrupt() {
	for i := 0; i < f.count; i += 2 {
		f.table[i][0] = -1
	}
}

func (f *fragmentation) liveBytes() int64 { return f.bytes }

func stampWord(stamp uint32, at int) float64 { return float64(mixed(stamp+uint32(at)) >> 2) }

func (f *fragmentation) evict() {
	oldest := f.random.below(f.count)
	for sample := 1; sample < evictionSamples; sample++ {
		if other := f.random.below(f.count); f.used[other] < f.used[oldest] {
			oldest = other
		}
	}
	f.bytes -= int64(len(f.table[oldest])*8 + valueHeaderBytes)
	f.count--
	last := f.count
	f.table[oldest] = f.table[last]
	f.table[last] = nil
	f.stamps[oldest] = f.stamps[last]
	f.used[oldest] = f.used[last]
}

func (f *fragmentation) checkValue(index int) {
	value, stamp := f.table[index], f.stamps[index]
	last := len(value) - 1
	f.check(value[0] == stampWord(stamp, 0))
	f.check(value[last] == stampWord(stamp, last))
}
