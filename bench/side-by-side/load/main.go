// Command load makes the loads of the side-by-side benchmark. It is told what to do by lines of JSON on stdin, and
// answers each with one line on stdout; when stdin ends, so does it.
//
//	load client HOST:PORT CA CERT KEY     the loads
//	load serve CERT KEY                   a trivial server, to find out how much load the loads are
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	switch {
	case len(os.Args) == 6 && os.Args[1] == "client":
		target, err := NewTarget(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
		if err != nil {
			fail(err)
		}
		obey(target)
	case len(os.Args) == 4 && os.Args[1] == "serve":
		go endWithStdin()
		fail(serve(os.Args[2], os.Args[3]))
	default:
		fmt.Fprintln(os.Stderr, "usage: load client HOST:PORT CA CERT KEY | load serve CERT KEY")
		os.Exit(2)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}

func endWithStdin() {
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func obey(target *Target) {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	answers := json.NewEncoder(os.Stdout)
	var nodes *hollowNodes
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		result, err := one(target, line, &nodes)
		if err != nil {
			answers.Encode(map[string]string{"error": err.Error()})
			continue
		}
		answers.Encode(map[string]any{"result": result})
	}
}

func one(target *Target, line []byte, nodes **hollowNodes) (any, error) {
	var what struct {
		Do string `json:"do"`
	}
	if err := json.Unmarshal(line, &what); err != nil {
		return nil, err
	}
	switch what.Do {
	case "requests":
		return with(line, func(r *Requests) (any, error) { return runRequests(target, r) })
	case "lists":
		return with(line, func(l *Lists) (any, error) { return runLists(target, l) })
	case "watch":
		return with(line, func(w *Watch) (any, error) { return runWatch(target, w) })
	case "bound":
		return with(line, func(b *Bound) (any, error) { return runBound(target, b) })
	case "hollow":
		return with(line, func(h *Hollow) (any, error) {
			started, err := startHollow(target, h)
			*nodes = started
			return map[string]int{"nodes": h.Nodes}, err
		})
	case "hollow-end":
		if *nodes != nil {
			(*nodes).end()
			*nodes = nil
		}
		return map[string]bool{"ended": true}, nil
	}
	return nil, fmt.Errorf("no load is called %q", what.Do)
}

func with[T any](line []byte, run func(*T) (any, error)) (any, error) {
	of := new(T)
	if err := json.Unmarshal(line, of); err != nil {
		return nil, err
	}
	return run(of)
}
