package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"time"
)

// Lists reads a whole list again and again, page after page where Path has a limit.
type Lists struct {
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Seconds float64           `json:"seconds"`
	// At least so often, however long it takes.
	Count int              `json:"count"`
	Pids  map[string][]int `json:"pids"`
	// Marker is in every item exactly once: the items of one more list, unmeasured, are counted by it.
	Marker string `json:"marker"`
}

// ListsDone is what came of it.
type ListsDone struct {
	Measured
	Ops     int64  `json:"ops"`
	Bytes   int64  `json:"bytes"`
	Pages   int    `json:"pages"`
	Items   int    `json:"items"`
	Latency Spread `json:"latencyMs"`
}

// tokenHead begins every continue token: base64 of `{"v":"meta.k8s.io/v1"`.
var tokenHead = []byte("eyJ2Ijoi")

func runLists(target *Target, l *Lists) (*ListsDone, error) {
	conns, err := target.Connections(1)
	if err != nil {
		return nil, err
	}
	var headers []Header
	for name, value := range l.Headers {
		headers = append(headers, Header{name, value})
	}
	c := newCaller(target, conns[0])
	c.head = 4096
	done := &ListsDone{}

	whole := func(page func() error) error {
		done.Pages = 0
		for path := l.Path; path != ""; done.Pages++ {
			status, err := c.do("GET", path, headers, nil)
			if err != nil {
				return err
			}
			if status != 200 {
				return fmt.Errorf("GET %s: status %d: %s", path, status, c.said)
			}
			if err := page(); err != nil {
				return err
			}
			path = ""
			head := c.said
			if l.Headers["accept-encoding"] == "gzip" && bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
				head = unzipped(head)
			}
			if token := tokenIn(head); token != "" {
				path = l.Path + "&continue=" + token
			}
		}
		return nil
	}

	if l.Marker != "" {
		var body []byte
		c.each = func(piece []byte) { body = append(body, piece...) }
		err := whole(func() error {
			if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
				reader, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					return err
				}
				if body, err = io.ReadAll(reader); err != nil {
					return err
				}
			}
			done.Items += bytes.Count(body, []byte(l.Marker))
			body = body[:0]
			return nil
		})
		if err != nil {
			return nil, err
		}
		c.each = nil
	}
	c.bytes = 0
	var times []time.Duration
	window := NewWindow(l.Pids)
	for time.Since(window.started).Seconds() < l.Seconds || len(times) < l.Count {
		start := time.Now()
		if err := whole(func() error { return nil }); err != nil {
			return nil, err
		}
		times = append(times, time.Since(start))
	}
	done.Measured = window.End()
	done.Ops, done.Bytes, done.Latency = int64(len(times)), c.bytes, spreadOf(times)
	return done, nil
}

func tokenIn(head []byte) string {
	at := bytes.Index(head, tokenHead)
	if at < 0 {
		return ""
	}
	end := at
	for end < len(head) && (head[end] >= 'a' && head[end] <= 'z' || head[end] >= 'A' && head[end] <= 'Z' ||
		head[end] >= '0' && head[end] <= '9' || head[end] == '-' || head[end] == '_') {
		end++
	}
	return string(head[at:end])
}

// unzipped is as much of a compressed text as its beginning tells.
func unzipped(head []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil
	}
	out, _ := io.ReadAll(reader)
	return out
}
