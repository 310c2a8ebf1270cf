package main

const (
	clusterMembers = 8
	holderShare    = 4
)

// allocationRate is after HyperAlloc: clusters of objects that refer to each other are made; a share of them takes the place of another
// one. The logic is that of bench/workloads/allocation-rate.ts.
//
// A member is a struct and, because a struct's size is fixed, a slice of references that is longer than needed where the object has to be
// larger: a pointer takes 8 bytes, so small members are larger than in the other systems.
type allocationRate struct {
	tally
	random                *random
	sizes                 sizeDistribution
	density               float64
	mutations, checkEvery int
	survivalPercent       int
	numbers               []uint32
	holders               []*member
	members               [clusterMembers]*member
	made                  uint32
}

// A member, or a holder, whose only reference is the newest member of a cluster.
type member struct {
	references int32
	stamp      float64
	slots      []*member
}

// memberWords is what a member takes without references.
const memberWords = 5

func newAllocationRate(p parameters, seed uint32) *allocationRate {
	holders := int(p.number("liveBytes") / (clusterMembers * p.number("objectBytesMean")))
	return &allocationRate{
		random:          newRandom(seed),
		sizes:           newSizeDistribution(p),
		density:         p.number("pointerDensity"),
		mutations:       p.integer("mutationsPerOperation"),
		checkEvery:      p.integer("checkEvery"),
		survivalPercent: p.integer("survivalPercent"),
		numbers:         make([]uint32, larger(1, holders)),
	}
}

func (a *allocationRate) build() {
	a.holders = make([]*member, len(a.numbers))
	for i := range a.holders {
		a.holders[i] = &member{references: 1, slots: make([]*member, 1)}
	}
	for i := range a.holders {
		a.makeCluster(i)
	}
}

func (a *allocationRate) step(index int) {
	holder := -1
	if a.random.below(100) < a.survivalPercent {
		holder = a.random.below(len(a.holders))
	}
	a.makeCluster(holder)
	for i := 0; i < a.mutations; i++ {
		swung := a.random.below(len(a.holders))
		a.swing(swung, a.random.below(clusterMembers))
	}
	if index%a.checkEvery == 0 {
		a.checkCluster(a.random.below(len(a.holders)))
	}
}

func (a *allocationRate) verify() {
	for i := range a.holders {
		a.checkCluster(i)
		a.add(a.numbers[i])
	}
}

func (a *allocationRate) corrupt() {
	for _, holder := range a.holders {
		holder.slots[0].stamp = -1
	}
}

func (a *allocationRate) makeCluster(holder int) {
	a.made++
	number := a.made
	for i := range a.members {
		words := a.sizes.pick(a.random)
		references := referencesOf(words, a.density)
		object := &member{
			references: int32(references),
			stamp:      float64(number)*clusterMembers + float64(i),
			slots:      make([]*member, larger(references, words-memberWords)),
		}
		if i > 0 {
			object.slots[0] = a.members[i-1]
		}
		a.members[i] = object
		for reference := 1; reference < references; reference++ {
			if a.random.below(holderShare) == 0 {
				object.slots[reference] = a.holders[a.random.below(len(a.holders))]
			} else {
				object.slots[reference] = a.members[a.random.below(i+1)]
			}
		}
	}
	if holder >= 0 {
		a.holders[holder].slots[0] = a.members[clusterMembers-1]
		a.numbers[holder] = number
	}
	a.members = [clusterMembers]*member{}
}

func (a *allocationRate) swing(holder, steps int) {
	newest := a.holders[holder].slots[0]
	object := newest
	for i := 0; i < steps; i++ {
		object = object.slots[0]
	}
	if object.references > 1 {
		object.slots[1] = newest
	}
}

func (a *allocationRate) checkCluster(holder int) {
	wanted := float64(a.numbers[holder])*clusterMembers + clusterMembers - 1
	right := int64(0)
	for object := a.holders[holder].slots[0]; object != nil; object = object.slots[0] {
		if object.stamp == wanted {
			right++
		}
		wanted--
	}
	a.checks += clusterMembers
	a.mismatches += clusterMembers - right
}
