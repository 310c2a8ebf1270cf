package main

import (
	"runtime"
	"time"
)

// sleepSlackNs is about how late a sleep ends; what is left is waited for awake.
const sleepSlackNs = 150_000

// mutator does one work from start to end.
type mutator struct {
	index    int
	p        parameters
	requests requests
	work     work
}

// prepare builds and warms up.
func (m *mutator) prepare() {
	m.work = makeWork(m.p, m.p.seed(m.index))
	m.work.build()
	for i, warmUp := 0, m.p.integer("warmUp"); i < warmUp; i++ {
		m.work.step(i)
	}
}

// measure is the measured part.
func (m *mutator) measure(beganNs int64) {
	warmUp, operations, corruptAt := m.p.integer("warmUp"), m.p.integer("operations"), m.p.integer("corruptAt")
	intervalNs := 0.0
	if perSecond := m.p.number("operationsPerSecond"); perSecond > 0 {
		intervalNs = 1e9 / perSecond
	}
	endedNs := beganNs
	for i := 0; i < operations; i++ {
		startNs := endedNs
		if intervalNs > 0 {
			startNs = beganNs + int64(float64(i)*intervalNs)
			awaitTime(startNs)
		}
		m.work.step(warmUp + i)
		if m.requests != nil {
			endedNs = nowNs()
			m.requests.note(m.index*operations+i, startNs-beganNs, endedNs-beganNs)
		}
		if i+1 == corruptAt {
			m.work.corrupt()
		}
	}
}

func awaitTime(untilNs int64) {
	for now := nowNs(); now < untilNs; now = nowNs() {
		if untilNs-now > 2*sleepSlackNs {
			time.Sleep(time.Duration(untilNs - now - sleepSlackNs))
		} else {
			runtime.Gosched()
		}
	}
}
