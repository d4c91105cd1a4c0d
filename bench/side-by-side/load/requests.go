package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Requests is a load of equal requests: for so many seconds, or so many of them.
type Requests struct {
	Template
	Connections int              `json:"connections"`
	InFlight    int              `json:"inFlight"`
	Seconds     float64          `json:"seconds"`
	Count       int64            `json:"count"`
	Pids        map[string][]int `json:"pids"`
}

// RequestsDone is what came of it.
type RequestsDone struct {
	Measured
	Ops        int64  `json:"ops"`
	Bytes      int64  `json:"bytes"`
	Latency    Spread `json:"latencyMs"`
	Failed     int64  `json:"failed"`
	FirstError string `json:"firstError,omitempty"`
}

func runRequests(target *Target, r *Requests) (*RequestsDone, error) {
	if err := r.prepare(); err != nil {
		return nil, err
	}
	conns, err := target.Connections(max(1, r.Connections))
	if err != nil {
		return nil, err
	}
	done := &RequestsDone{}
	var next, bytes atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var workers sync.WaitGroup
	window := NewWindow(r.Pids)
	end := time.Now().Add(time.Duration(r.Seconds * float64(time.Second)))
	for w := range max(1, r.InFlight) {
		conn := conns[w%len(conns)]
		workers.Go(func() {
			caller := newCaller(target, conn)
			var mine []time.Duration
			var failed int64
			var first string
			for {
				i := next.Add(1) - 1
				if r.Count > 0 && i >= r.Count || r.Count == 0 && !time.Now().Before(end) {
					break
				}
				start := time.Now()
				status, err := caller.call(&r.Template, i)
				if err != nil || !r.expected(status) {
					failed++
					if first == "" {
						first = fmt.Sprintf("%s %s: status %d: %s %v", r.Method, r.Path, status, caller.said, err)
					}
					if err != nil {
						break
					}
					continue
				}
				mine = append(mine, time.Since(start))
			}
			bytes.Add(caller.bytes)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			done.Failed += failed
			if done.FirstError == "" {
				done.FirstError = first
			}
		})
	}
	workers.Wait()
	done.Measured = window.End()
	done.Ops, done.Bytes, done.Latency = int64(len(all)), bytes.Load(), spreadOf(all)
	return done, nil
}

// caller makes one request after another.
type caller struct {
	target *Target
	conn   *Conn
	buffer []byte
	ended  chan error
	bytes  int64
	// head keeps that much of the answer's beginning in said.
	head int
	said []byte
	// each is given all of the answer's body, if set.
	each func([]byte)
}

func newCaller(target *Target, conn *Conn) *caller {
	return &caller{target: target, conn: conn, ended: make(chan error, 1), head: 200}
}

func (c *caller) call(t *Template, i int64) (int, error) {
	path, body := t.make(i, c.buffer)
	if body != nil {
		c.buffer = body
	}
	return c.do(t.Method, path, t.headers, body)
}

func (c *caller) do(method, path string, headers []Header, body []byte) (int, error) {
	c.said = c.said[:0]
	s := &Stream{
		OnData: func(piece []byte) {
			if room := c.head - len(c.said); room > 0 {
				c.said = append(c.said, piece[:min(room, len(piece))]...)
			}
			if c.each != nil {
				c.each(piece)
			}
		},
		OnEnd: func(err error) { c.ended <- err },
	}
	if err := c.conn.Start(s, method, c.target.address, path, headers, body); err != nil {
		return 0, err
	}
	err := <-c.ended
	c.bytes += s.Bytes
	return s.Status, err
}
