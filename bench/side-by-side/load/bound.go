package main

import (
	"bytes"
	"fmt"
	"time"
)

// Bound makes pods (or what makes pods) and waits until so many of a namespace have a node.
type Bound struct {
	Namespace      string           `json:"namespace"`
	Pods           int              `json:"pods"`
	TimeoutSeconds float64          `json:"timeoutSeconds"`
	Make           Requests         `json:"make"`
	Pids           map[string][]int `json:"pids"`
}

// BoundDone is what came of it: times count from the first request.
type BoundDone struct {
	Measured
	Bound     int           `json:"bound"`
	MadeAfter float64       `json:"madeSeconds"`
	Tenths    []float64     `json:"tenthsSeconds"`
	Requests  *RequestsDone `json:"requests"`
}

func runBound(target *Target, b *Bound) (*BoundDone, error) {
	own, err := target.Connections(1)
	if err != nil {
		return nil, err
	}
	path := "/api/v1/namespaces/" + b.Namespace + "/pods"
	revision, err := revisionOf(target, own[0], path)
	if err != nil {
		return nil, err
	}
	// A pod comes into the view of this selector when it is bound: as ADDED, once.
	watchPath := path + "?watch=true&fieldSelector=spec.nodeName!%3D&resourceVersion="
	conn, err := Dial(target.address, target.config)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	type mark struct {
		bound int
		at    time.Time
	}
	marks := make(chan mark, 16*b.Pods)
	opened := make(chan int, 64)
	ended := make(chan struct{}, 64)
	// A server may end a watch whose reader it finds slow: another one begins with all that are bound by then.
	var open func(revision string) error
	open = func(revision string) error {
		var line []byte
		bound := 0
		stream := &Stream{
			OnHead: func(status int) { opened <- status },
			OnData: func(piece []byte) {
				for {
					end := bytes.IndexByte(piece, '\n')
					if end < 0 {
						// Only the beginning of a line is looked at.
						if room := 64 - len(line); room > 0 {
							line = append(line, piece[:min(room, len(piece))]...)
						}
						return
					}
					line = append(line, piece[:end]...)
					if bytes.HasPrefix(line, []byte(`{"type":"ADDED"`)) {
						bound++
						if bound <= b.Pods {
							marks <- mark{bound, time.Now()}
						}
					}
					line, piece = line[:0], piece[end+1:]
				}
			},
			OnEnd: func(error) { ended <- struct{}{} },
		}
		return conn.Start(stream, "GET", target.address, watchPath+revision, nil, nil)
	}
	if err := open(revision); err != nil {
		return nil, err
	}
	if status := <-opened; status != 200 {
		return nil, fmt.Errorf("watching %s: status %d", watchPath, status)
	}
	done := &BoundDone{}
	window := NewWindow(b.Pids)
	made := make(chan error, 1)
	go func() {
		var err error
		done.Requests, err = runRequests(target, &b.Make)
		done.MadeAfter = time.Since(window.started).Seconds()
		if err == nil && done.Requests.Failed > 0 {
			err = fmt.Errorf("%d requests failed, the first: %s", done.Requests.Failed, done.Requests.FirstError)
		}
		made <- err
	}()
	timeout := time.After(time.Duration(b.TimeoutSeconds * float64(time.Second)))
	for done.Bound < b.Pods {
		select {
		case m := <-marks:
			if m.bound <= done.Bound {
				continue
			}
			done.Bound = m.bound
			if m.bound*10/b.Pods > len(done.Tenths) {
				done.Tenths = append(done.Tenths, m.at.Sub(window.started).Seconds())
			}
		case <-ended:
			if err := open(""); err != nil {
				return nil, err
			}
		case err := <-made:
			if err != nil {
				return nil, err
			}
			made = nil
		case <-timeout:
			done.Measured = window.End()
			return done, nil
		}
	}
	done.Measured = window.End()
	if made != nil {
		if err := <-made; err != nil {
			return nil, err
		}
	}
	return done, nil
}
