package main

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Watch is a fan-out: writes on one side, watchers of them on the other. Writers are at most Ahead events ahead of what
// all watchers together have got, so no watcher is ever so slow that a server gives it up.
type Watch struct {
	WatchPath   string            `json:"watchPath"`
	Headers     map[string]string `json:"headers"`
	Watchers    int               `json:"watchers"`
	Connections int               `json:"connections"`
	Events      int64             `json:"events"`
	Ahead       int64             `json:"ahead"`
	// PerSecond paces the writes; 0: as fast as watchers get them.
	PerSecond float64          `json:"perSecond"`
	Writers   int              `json:"writers"`
	Write     Template         `json:"write"`
	Pids      map[string][]int `json:"pids"`
}

// WatchDone is what came of it. Delays count from just before a write is sent until a watcher has the event.
type WatchDone struct {
	Measured
	Delivered int64  `json:"delivered"`
	Bytes     int64  `json:"bytes"`
	Delay     Spread `json:"delayMs"`
	Ended     int64  `json:"ended"`
	Error     string `json:"error,omitempty"`
}

var sentMark = []byte(`"sent":"`)

const timeDigits = 19

func runWatch(target *Target, w *Watch) (*WatchDone, error) {
	if err := w.Write.prepare(); err != nil {
		return nil, err
	}
	own, err := target.Connections(1)
	if err != nil {
		return nil, err
	}
	revision, err := revisionOf(target, own[0], w.WatchPath)
	if err != nil {
		return nil, err
	}
	var headers []Header
	for name, value := range w.Headers {
		headers = append(headers, Header{name, value})
	}
	done := &WatchDone{}
	var delivered, ended, size atomic.Int64
	var firstError atomic.Value
	stopping := atomic.Bool{}
	opened := make(chan error, w.Watchers)
	delays := make([][]time.Duration, w.Connections)
	conns := make([]*Conn, w.Connections)
	defer func() {
		stopping.Store(true)
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	for i := range conns {
		if conns[i], err = Dial(target.address, target.config); err != nil {
			return nil, err
		}
	}
	for i := range w.Watchers {
		at := i % w.Connections
		stream := &Stream{
			OnHead: func(status int) {
				if status == 200 {
					opened <- nil
				} else {
					opened <- fmt.Errorf("watching %s: status %d", w.WatchPath, status)
				}
			},
			OnData: func(piece []byte) {
				now := time.Now().UnixNano()
				size.Add(int64(len(piece)))
				for rest := piece; ; {
					i := bytes.Index(rest, sentMark)
					if i < 0 || i+len(sentMark)+timeDigits > len(rest) {
						break
					}
					rest = rest[i+len(sentMark):]
					sent, err := strconv.ParseInt(string(rest[:timeDigits]), 10, 64)
					if err == nil {
						delays[at] = append(delays[at], time.Duration(now-sent))
					}
				}
				// An event ends with its line.
				if n := bytes.Count(piece, []byte{'\n'}); n > 0 {
					delivered.Add(int64(n))
				}
			},
			OnEnd: func(err error) {
				if !stopping.Load() {
					ended.Add(1)
					firstError.CompareAndSwap(nil, fmt.Sprintf("a watch ended: %v", err))
				}
			},
		}
		path := w.WatchPath + "?watch=true&resourceVersion=" + revision
		if err := conns[at].Start(stream, "GET", target.address, path, headers, nil); err != nil {
			return nil, err
		}
	}
	for range w.Watchers {
		select {
		case err := <-opened:
			if err != nil {
				return nil, err
			}
		case <-time.After(60 * time.Second):
			return nil, fmt.Errorf("watching %s: %d watches have not all begun in a minute", w.WatchPath, w.Watchers)
		}
	}

	watchers := int64(w.Watchers)
	window := NewWindow(w.Pids)
	var issued atomic.Int64
	var writers sync.WaitGroup
	for range w.Writers {
		writers.Go(func() {
			c := newCaller(target, own[0])
			for {
				i := issued.Add(1) - 1
				if i >= w.Events || ended.Load() > 0 {
					return
				}
				if w.PerSecond > 0 {
					time.Sleep(time.Until(window.started.Add(time.Duration(float64(i) / w.PerSecond * float64(time.Second)))))
				}
				for (i-w.Ahead)*watchers >= delivered.Load() && ended.Load() == 0 {
					time.Sleep(100 * time.Microsecond)
				}
				status, err := c.call(&w.Write, i)
				if err != nil || !w.Write.expected(status) {
					firstError.CompareAndSwap(nil, fmt.Sprintf("%s: status %d: %s %v", w.Write.Path, status, c.said, err))
					ended.Add(1)
					return
				}
			}
		})
	}
	writers.Wait()
	limit := time.Now().Add(30 * time.Second)
	for delivered.Load() < w.Events*watchers && ended.Load() == 0 && time.Now().Before(limit) {
		time.Sleep(100 * time.Microsecond)
	}
	done.Measured = window.End()
	done.Delivered, done.Bytes, done.Ended = delivered.Load(), size.Load(), ended.Load()
	stopping.Store(true)
	for _, c := range conns {
		c.Close()
	}
	if text, ok := firstError.Load().(string); ok {
		done.Error = text
	} else if done.Delivered < w.Events*watchers {
		done.Error = fmt.Sprintf("%d of %d events came", done.Delivered, w.Events*watchers)
	}
	var all []time.Duration
	for _, d := range delays {
		all = append(all, d...)
	}
	done.Delay = spreadOf(all)
	return done, nil
}

var versionMark = []byte(`"resourceVersion":"`)

// revisionOf is the revision of a list, as of now.
func revisionOf(target *Target, conn *Conn, path string) (string, error) {
	c := newCaller(target, conn)
	c.head = 4096
	status, err := c.do("GET", path+"?limit=1", []Header{{"accept", "application/json"}}, nil)
	if err != nil {
		return "", err
	}
	if status != 200 {
		return "", fmt.Errorf("GET %s: status %d: %s", path, status, c.said)
	}
	at := bytes.Index(c.said, versionMark)
	if at < 0 {
		return "", fmt.Errorf("GET %s: no resourceVersion in the list", path)
	}
	rest := c.said[at+len(versionMark):]
	return string(rest[:bytes.IndexByte(rest, '"')]), nil
}
