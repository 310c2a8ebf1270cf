package main

import (
	"strconv"
	"strings"
)

// parameters are the words name=value of the command line. A missing name is an error: the defaults are the harness's, not a peer's.
type parameters map[string]string

func parseParameters(words []string) parameters {
	p := parameters{}
	for _, word := range words {
		name, value, found := strings.Cut(word, "=")
		if !found {
			panic("not a name=value: " + word)
		}
		p[name] = value
	}
	return p
}

func (p parameters) text(name string) string {
	value, found := p[name]
	if !found {
		panic("parameter missing: " + name)
	}
	return value
}

func (p parameters) integer(name string) int {
	return int(p.number(name))
}

func (p parameters) number(name string) float64 {
	value, err := strconv.ParseFloat(p.text(name), 64)
	if err != nil {
		panic(err)
	}
	return value
}

// seed is that of a mutator.
func (p parameters) seed(mutator int) uint32 {
	value, err := strconv.ParseUint(strings.Split(p.text("seeds"), ",")[mutator], 10, 32)
	if err != nil {
		panic(err)
	}
	return uint32(value)
}
