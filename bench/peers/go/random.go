package main

import "math/bits"

// random is xoshiro128** of Blackman and Vigna, seeded by the 32-bit finalizer of MurmurHash3 over a Weyl sequence: the numbers of
// bench/workloads/random.ts.
type random struct {
	state [4]uint32
}

func newRandom(seed uint32) *random {
	r := &random{}
	for i := range r.state {
		seed += 0x9e3779b9
		r.state[i] = mixed(seed)
	}
	return r
}

// mixed spreads the bits of a number over the result.
func mixed(value uint32) uint32 {
	value ^= value >> 16
	value *= 0x85ebca6b
	value ^= value >> 13
	value *= 0xc2b2ae35
	return value ^ value>>16
}

// next gives 32 bits.
func (r *random) next() uint32 {
	s := &r.state
	result := bits.RotateLeft32(s[1]*5, 7) * 9
	shifted := s[1] << 9
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= shifted
	s[3] = bits.RotateLeft32(s[3], 11)
	return result
}

// fraction is 0 up to, but not including, 1.
func (r *random) fraction() float64 { return float64(r.next()) / (1 << 32) }

// below is 0 … limit - 1.
func (r *random) below(limit int) int { return int(r.fraction() * float64(limit)) }

// skewed is the same, where small numbers are more likely: the cube of a fraction.
func (r *random) skewed(limit int) int {
	fraction := r.fraction()
	return int(fraction * fraction * fraction * float64(limit))
}
