package main

import (
	"os"
	"syscall"
	"unsafe"
)

// requests holds start and end of every request, as pairs of doubles in nanoseconds since the measured part began, in a file that is
// mapped: the records lie outside the heap that is measured. The file has its full size beforehand, all zeros, and is touched once
// before the clock starts. Each mutator has `operations` records of its own.
type requests []float64

// openRequests maps the file that the parameter requests names; nil where there is none.
func openRequests(p parameters) requests {
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
	return records
}

func (r requests) note(index int, startNs, endNs int64) {
	r[2*index] = float64(startNs)
	r[2*index+1] = float64(endNs)
}
