package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Window measures what passes between its start and its end: wall time, and the processor time of servers and of us.
type Window struct {
	pids    map[string][]int
	started time.Time
	cpu     map[string]float64
	own     float64
	machine float64
}

// Measured is a Window's outcome, seconds all.
type Measured struct {
	Seconds   float64            `json:"seconds"`
	CPU       map[string]float64 `json:"cpu"`
	Generator float64            `json:"generatorCpu"`
	// Machine is what all programs used, ours among them.
	Machine float64 `json:"machineCpu"`
}

// NewWindow starts measuring. pids: by component.
func NewWindow(pids map[string][]int) *Window {
	return &Window{pids: pids, cpu: cpuOf(pids), own: ownCPU(), machine: machineCPU(), started: time.Now()}
}

// End of the window: now.
func (w *Window) End() Measured {
	m := Measured{Seconds: time.Since(w.started).Seconds(), Generator: ownCPU() - w.own, CPU: cpuOf(w.pids)}
	m.Machine = machineCPU() - w.machine
	for name, before := range w.cpu {
		m.CPU[name] -= before
	}
	return m
}

// Of utime and stime in /proc/PID/stat: USER_HZ, 100 on every Linux.
const ticksPerSecond = 100

func cpuOf(pids map[string][]int) map[string]float64 {
	out := map[string]float64{}
	for name, list := range pids {
		for _, pid := range list {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil {
				continue
			}
			text := string(stat)
			fields := strings.Fields(text[strings.LastIndexByte(text, ')')+2:])
			user, _ := strconv.ParseFloat(fields[11], 64)
			system, _ := strconv.ParseFloat(fields[12], 64)
			out[name] += (user + system) / ticksPerSecond
		}
	}
	return out
}

// machineCPU is the time that all processors were busy: /proc/stat's first line less idle and iowait.
func machineCPU() float64 {
	stat, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(stat), "\n")
	var busy float64
	for i, field := range strings.Fields(line) {
		// Guests' time, from the ninth on, is in the users' already.
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		ticks, _ := strconv.ParseFloat(field, 64)
		busy += ticks
	}
	return busy / ticksPerSecond
}

func ownCPU() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// Spread of many times, ms.
type Spread struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func spreadOf(times []time.Duration) Spread {
	if len(times) == 0 {
		return Spread{}
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	at := func(share float64) float64 {
		return float64(times[min(len(times)-1, int(share*float64(len(times))))]) / float64(time.Millisecond)
	}
	return Spread{P50: at(0.5), P99: at(0.99), Max: at(1)}
}
