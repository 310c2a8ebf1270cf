// The peer program in Go: one workload, one process. What it is told and what it says is described in bench/peers/program.ts.
//
// Mutators are goroutines: the operating system cannot tell their CPU time from the collector's, which is taken from the trace of the
// runtime (GODEBUG=gctrace=1).
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
)

// processBeganNs is close to the moment from which the trace of the collector counts.
var processBeganNs = monotonicNs()

var input = bufio.NewReader(os.Stdin)

// say prints a line that bounds the measured part; the answer comes when the observer has read its clocks.
func say(word string) {
	fmt.Println(word)
	if _, err := input.ReadString('\n'); err != nil {
		panic(err)
	}
}

// together runs a phase of all mutators and waits for them.
func together(mutators []*mutator, phase func(*mutator)) {
	var running sync.WaitGroup
	running.Add(len(mutators))
	for _, m := range mutators {
		go func(m *mutator) {
			defer running.Done()
			phase(m)
		}(m)
	}
	running.Wait()
}

func main() {
	p := parseParameters(os.Args[1:])
	requests := openRequests(p)
	mutators := make([]*mutator, p.integer("mutators"))
	for i := range mutators {
		mutators[i] = &mutator{index: i, p: p, requests: requests}
	}
	together(mutators, func(m *mutator) { m.prepare() })
	say("begin")
	samples := startHeapSamples()
	beganNs := nowNs()
	together(mutators, func(m *mutator) { m.measure(beganNs) })
	wallNs := nowNs() - beganNs
	heap := samples.finish()
	say("end")
	together(mutators, func(m *mutator) { m.work.verify() })

	var checks, mismatches, liveBytes int64
	var checksums []string
	for _, m := range mutators {
		counts := m.work.counts()
		checks += counts.checks
		mismatches += counts.mismatches
		liveBytes += m.work.liveBytes()
		checksums = append(checksums, fmt.Sprint(counts.checksum))
	}
	fmt.Printf(`{"beganNs":%d,"wallNs":%d,"checks":%d,"mismatches":%d,"checksums":[%s],"liveBytes":%d,"heap":[%s],`+
		`"processBeganNs":%d,"runtime":"%s"}`+"\n",
		beganNs, wallNs, checks, mismatches, strings.Join(checksums, ","), liveBytes, heap, processBeganNs, runtime.Version())
}
