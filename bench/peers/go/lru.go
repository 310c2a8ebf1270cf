package main

const lruEntryBytes = 48

// lru is a cache with a limit in bytes, least recently used out first, whose entries also expire: a hash table with chains and a ring in
// the order of use. Time to live is counted in requests. The logic is that of bench/workloads/lru.ts.
type lru struct {
	tally
	random                      *random
	keys, leastWords, moreWords int
	limitBytes, bytes           int64
	ttl, clock                  uint32
	writePercent                int
	stamps                      []uint32
	table                       []*lruEntry
	ends                        *lruEntry
}

type lruEntry struct {
	chain, newer, older *lruEntry
	value               []float64
	key, stamp, expires uint32
}

func newLru(p parameters, seed uint32) *lru {
	least := p.integer("valueBytesLeast") >> 3
	l := &lru{
		random:       newRandom(seed),
		keys:         p.integer("keys"),
		limitBytes:   int64(p.number("limitBytes")),
		leastWords:   least,
		moreWords:    p.integer("valueBytesMost")>>3 - least + 1,
		ttl:          uint32(p.integer("ttlRequests")),
		writePercent: p.integer("writePercent"),
		stamps:       make([]uint32, p.integer("keys")),
		ends:         &lruEntry{},
	}
	l.ends.newer, l.ends.older = l.ends, l.ends
	return l
}

func (l *lru) build() {
	meanBytes := (float64(l.leastWords)+float64(l.moreWords)/2)*8 + lruEntryBytes
	buckets := 1
	for float64(buckets) < float64(l.limitBytes)/meanBytes {
		buckets *= 2
	}
	l.table = make([]*lruEntry, buckets)
}

func (l *lru) step(_ int) {
	l.clock++
	key := uint32(l.random.skewed(l.keys))
	isWrite := l.random.below(100) < l.writePercent
	words := l.leastWords + l.random.below(l.moreWords)
	entry := l.find(key)
	l.check((entry != nil) == (l.stamps[key] != 0))
	if entry != nil {
		l.checkEntry(entry, key)
		if !isWrite && l.clock < entry.expires {
			entry.unlink()
			l.link(entry)
			return
		}
		l.remove(key)
	}
	l.insert(key, words)
}

func (l *lru) verify() {
	found := int64(0)
	for entry := l.ends.older; entry != l.ends; entry = entry.older {
		l.checkEntry(entry, entry.key)
		found += int64(len(entry.value)*8 + lruEntryBytes)
		l.add(entry.key)
		l.add(entry.stamp)
	}
	l.check(found == l.bytes)
}

func (l *lru) corrupt() { l.ends.older.value[0] = -1 }

func (l *lru) liveBytes() int64 { return l.bytes }

func valueWord(key, stamp uint32, index int) float64 {
	return float64(mixed(key*0x9e3779b1^(stamp+uint32(index))) >> 2)
}

func (l *lru) checkEntry(entry *lruEntry, key uint32) {
	stamp, value := l.stamps[key], entry.value
	words := len(value)
	l.check(entry.stamp == stamp)
	l.check(value[0] == valueWord(key, stamp, 0))
	l.check(value[words>>1] == valueWord(key, stamp, words>>1))
	l.check(value[words-1] == valueWord(key, stamp, words-1))
}

func (l *lru) insert(key uint32, words int) {
	size := int64(words*8 + lruEntryBytes)
	for l.bytes+size > l.limitBytes && l.ends.newer != l.ends {
		l.remove(l.ends.newer.key)
	}
	value := make([]float64, words)
	for i := range value {
		value[i] = valueWord(key, l.clock, i)
	}
	bucket := l.bucket(key)
	entry := &lruEntry{chain: *bucket, value: value, key: key, stamp: l.clock, expires: l.clock + l.ttl}
	*bucket = entry
	l.link(entry)
	l.stamps[key] = l.clock
	l.bytes += size
}

func (l *lru) remove(key uint32) {
	at := l.bucket(key)
	for *at != nil && (*at).key != key {
		at = &(*at).chain
	}
	entry := *at
	if entry == nil {
		l.check(false)
		return
	}
	*at = entry.chain
	entry.unlink()
	l.bytes -= int64(len(entry.value)*8 + lruEntryBytes)
	l.stamps[key] = 0
}

func (l *lru) find(key uint32) *lruEntry {
	entry := *l.bucket(key)
	for entry != nil && entry.key != key {
		entry = entry.chain
	}
	return entry
}

func (l *lru) bucket(key uint32) **lruEntry {
	return &l.table[int(mixed(key))&(len(l.table)-1)]
}

// link makes an entry the newest. The ring runs from ends by older to the newest entry first, by newer to the oldest one.
func (l *lru) link(entry *lruEntry) {
	newest := l.ends.older
	entry.older = newest
	entry.newer = l.ends
	newest.newer = entry
	l.ends.older = entry
}

func (e *lruEntry) unlink() {
	e.newer.older = e.older
	e.older.newer = e.newer
}
