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
	"sync"
)

// A workload is what a mutator runs. Each mutator has its own; they share nothing but the heap. requests is nil in a warm-up and where
// there are none; beganNs is when the schedule of an open loop begins.
type workload interface {
	run(tally *tally, requests *requests, beganNs int64)
}

// tally is what one mutator, or all of them, did. The checksum is a sum modulo 2^32, so the order of mutators does not matter.
type tally struct {
	operations, checks, mismatches, liveBytes int64
	checksum                                  uint32
}

func (t *tally) check(holds bool) {
	t.checks++
	if !holds {
		t.mismatches++
	}
}

func (t *tally) add(other *tally) {
	t.operations += other.operations
	t.checks += other.checks
	t.mismatches += other.mismatches
	t.liveBytes += other.liveBytes
	t.checksum += other.checksum
}

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

func makeWorkload(p parameters, mutator int) workload {
	switch name := p.text("workload"); name {
	case "gcbench":
		return newGcbench(p)
	case "binary-trees":
		return newBinaryTrees(p)
	default:
		panic("unknown workload: " + name)
	}
}

// round runs the workload once on its goroutines; where it is the measured one the time between its two lines is returned.
func round(p parameters, requests *requests, measured bool) (sum tally, beganNs, endedNs int64) {
	mutators := p.integer("mutators")
	workloads := make([]workload, mutators)
	tallies := make([]tally, mutators)
	for i := range workloads {
		workloads[i] = makeWorkload(p, i)
	}
	if measured {
		runtime.GC()
		say("begin")
	}
	beganNs = monotonicNs()
	var running sync.WaitGroup
	running.Add(mutators)
	for i := range workloads {
		go func(i int) {
			defer running.Done()
			workloads[i].run(&tallies[i], requests, beganNs)
		}(i)
	}
	running.Wait()
	endedNs = monotonicNs()
	if measured {
		say("end")
	}
	runtime.KeepAlive(workloads)
	for i := range tallies {
		sum.add(&tallies[i])
	}
	return
}

func main() {
	p := parseParameters(os.Args[1:])
	for i := 0; i < p.integer("warmups"); i++ {
		round(p.warmup(), nil, false)
	}
	requests := openRequests(p)
	sum, beganNs, endedNs := round(p, requests, true)
	fmt.Printf(`{"beganNs":%d,"wallNs":%d,"operations":%d,"checks":%d,"mismatches":%d,"checksum":%d,"liveBytes":%d,"requests":%d,`+
		`"processBeganNs":%d,"runtime":"%s"}`+"\n",
		beganNs, endedNs-beganNs, sum.operations, sum.checks, sum.mismatches, sum.checksum, sum.liveBytes, requests.length(),
		processBeganNs, runtime.Version())
}
