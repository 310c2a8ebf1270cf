package main

// work is what one mutator does in a workload, step by step: the same random numbers, the same checks, the same final checksum for the
// same seed as in bench/workloads/.
type work interface {
	// build makes what lives long.
	build()
	// step is one operation.
	step(index int)
	// verify checks everything that is alive, and adds it to the checksum.
	verify()
	// corrupt spoils one live value that a later check must find.
	corrupt()
	// liveBytes is what the workload itself counts as alive; 0 where it does not.
	liveBytes() int64
	counts() *tally
}

// tally is what every work counts.
type tally struct {
	checks, mismatches int64
	checksum           uint32
}

func (t *tally) check(right bool) {
	t.checks++
	if !right {
		t.mismatches++
	}
}

func (t *tally) add(value uint32) {
	t.checksum = mixed(t.checksum ^ value)
}

func (t *tally) counts() *tally { return t }

func (t *tally) liveBytes() int64 { return 0 }

func makeWork(p parameters, seed uint32) work {
	switch name := p.text("workload"); name {
	case "gcbench":
		return newGcbench(p)
	case "binary-trees":
		return newBinaryTrees(p)
	case "lru":
		return newLru(p, seed)
	case "fragmentation":
		return newFragmentation(p, seed)
	case "allocation-rate":
		return newAllocationRate(p, seed)
	default:
		panic("unknown workload: " + name)
	}
}
