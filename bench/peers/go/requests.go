package main

import (
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// requests holds start and end of every request, as pairs of doubles in nanoseconds since the measured part began, in a file that is
// mapped: the records lie outside the heap that is measured. The file has its full size beforehand, all zeros, and is touched once
// before the clock starts.
type requests struct {
	records []float64
	count   int64
}

// openRequests maps the file that the parameter requests names; nil where there is none.
func openRequests(p parameters) *requests {
	path, found := p["requests"]
	if !found {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		panic(err)
	}
	data, err := syscall.Mmap(int(file.Fd()), 0, int(about.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	records := unsafe.Slice((*float64)(unsafe.Pointer(&data[0])), len(data)/8)
	for i := range records {
		records[i] = 0
	}
	return &requests{records: records}
}

// note may be called by any goroutine. What finds no room any more is dropped.
func (r *requests) note(startNs, endNs int64) {
	if r == nil {
		return
	}
	index := 2 * (atomic.AddInt64(&r.count, 1) - 1)
	if int(index)+1 >= len(r.records) {
		return
	}
	r.records[index] = float64(startNs)
	r.records[index+1] = float64(endNs)
}

func (r *requests) length() int {
	if r == nil {
		return 0
	}
	if int(r.count) > len(r.records)/2 {
		return len(r.records) / 2
	}
	return int(r.count)
}
