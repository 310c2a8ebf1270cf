package main

import "math"

const (
	// leastWords has room for the header, one word of references and the stamp.
	leastWords     = 3
	mostReferences = 8
)

// sizeDistribution gives the sizes of objects, in words with their headers: a distribution with given percentiles and mean.
type sizeDistribution struct {
	words10, words50, words90, mostWords int
}

func larger(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func newSizeDistribution(p parameters) sizeDistribution {
	s := sizeDistribution{}
	s.words10 = larger(leastWords, p.integer("objectBytesP10")>>3)
	s.words50 = larger(s.words10, p.integer("objectBytesP50")>>3)
	s.words90 = larger(s.words50, p.integer("objectBytesP90")>>3)
	// Nine tenths of the objects lie between the percentiles; the mean says how large the largest tenth has to be.
	rest := 0.1*float64(s.words10) + 0.2*float64(s.words10+s.words50) + 0.2*float64(s.words50+s.words90)
	tail := (p.number("objectBytesMean")/8 - rest) * 10
	s.mostWords = larger(s.words90, int(math.Floor(2*tail))-s.words90)
	return s
}

func (s sizeDistribution) pick(r *random) int {
	switch share := r.fraction(); {
	case share < 0.1:
		return s.words10
	case share < 0.5:
		return between(r, s.words10, s.words50)
	case share < 0.9:
		return between(r, s.words50, s.words90)
	default:
		return between(r, s.words90, s.mostWords)
	}
}

func between(r *random, least, most int) int { return least + r.below(most-least+1) }

// referencesOf is how many reference fields an object of that size has: at least one, and room for the stamp is left.
func referencesOf(words int, density float64) int {
	references := larger(1, int(math.Floor(density*float64(words)+0.5)))
	if references > mostReferences {
		references = mostReferences
	}
	for 1+(references+1)>>1+1 > words {
		references--
	}
	return references
}
