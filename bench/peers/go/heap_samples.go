package main

import (
	"fmt"
	"runtime/metrics"
	"strings"
	"sync"
	"time"
)

const sampleEvery = 10 * time.Millisecond

// heapSamples notes what the heap has committed, every 10 ms: runtime/metrics does not stop the world, unlike runtime.ReadMemStats.
type heapSamples struct {
	timesNs, bytes []int64
	values         []metrics.Sample
	stop           chan struct{}
	ended          sync.WaitGroup
}

// startHeapSamples begins on a goroutine of its own.
func startHeapSamples() *heapSamples {
	h := &heapSamples{
		timesNs: make([]int64, 0, 1<<14),
		bytes:   make([]int64, 0, 1<<14),
		// In use, free inside of spans in use, and free but not given back.
		values: []metrics.Sample{
			{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		},
		stop: make(chan struct{}),
	}
	h.take()
	h.ended.Add(1)
	go func() {
		defer h.ended.Done()
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-h.stop:
				h.take()
				return
			case <-tick.C:
				h.take()
			}
		}
	}()
	return h
}

func (h *heapSamples) take() {
	metrics.Read(h.values)
	sum := int64(0)
	for _, value := range h.values {
		sum += int64(value.Value.Uint64())
	}
	h.timesNs = append(h.timesNs, nowNs())
	h.bytes = append(h.bytes, sum)
}

// finish ends the samples and gives them as JSON.
func (h *heapSamples) finish() string {
	close(h.stop)
	h.ended.Wait()
	rows := make([]string, len(h.bytes))
	for i := range rows {
		rows[i] = fmt.Sprintf("[%d,%d]", h.timesNs[i], h.bytes[i])
	}
	return strings.Join(rows, ",")
}
