package main

import (
	"fmt"
	"sync"
	"time"
)

// Hollow keeps nodes alive that are nothing but objects: each has a lease, renewed as a kubelet renews its own.
type Hollow struct {
	Nodes        int      `json:"nodes"`
	RenewSeconds float64  `json:"renewSeconds"`
	Node         Template `json:"node"`
	Lease        Template `json:"lease"`
	Renew        Template `json:"renew"`
}

type hollowNodes struct {
	stop    chan struct{}
	stopped sync.WaitGroup
}

func startHollow(target *Target, h *Hollow) (*hollowNodes, error) {
	for _, t := range []*Template{&h.Node, &h.Lease} {
		made, err := runRequests(target, &Requests{Template: *t, Connections: 2, InFlight: 16, Count: int64(h.Nodes)})
		if err != nil {
			return nil, err
		}
		if made.Failed > 0 {
			return nil, fmt.Errorf("%d of %d nodes could not be made: %s", made.Failed, h.Nodes, made.FirstError)
		}
	}
	if err := h.Renew.prepare(); err != nil {
		return nil, err
	}
	conn, err := Dial(target.address, target.config)
	if err != nil {
		return nil, err
	}
	nodes := &hollowNodes{stop: make(chan struct{})}
	// A few renewals at once are plenty: 5,000 nodes renew 500 times a second.
	const workers = 8
	period := time.Duration(h.RenewSeconds * float64(time.Second))
	for w := range workers {
		nodes.stopped.Go(func() {
			c := newCaller(target, conn)
			started := time.Now()
			for turn := 0; ; turn++ {
				for i := w; i < h.Nodes; i += workers {
					due := started.Add(time.Duration(turn)*period + period*time.Duration(i)/time.Duration(h.Nodes))
					select {
					case <-nodes.stop:
						return
					case <-time.After(time.Until(due)):
					}
					path, body := h.Renew.make(int64(i), c.buffer)
					c.buffer = body
					copy(body[h.renewAt(body):], time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"))
					if _, err := c.do(h.Renew.Method, path, h.Renew.headers, body); err != nil {
						return
					}
				}
			}
		})
	}
	go func() {
		nodes.stopped.Wait()
		conn.Close()
	}()
	return nodes, nil
}

const renewMark = `"renewTime":"`

func (h *Hollow) renewAt(body []byte) int {
	return places(body, renewMark)[0] + len(renewMark)
}

func (n *hollowNodes) end() {
	close(n.stop)
	n.stopped.Wait()
}
