package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Target is the server under load and who we are to it.
type Target struct {
	address string
	config  *tls.Config
	// Connections are kept between loads, as clients keep theirs.
	conns []*Conn
}

// NewTarget reads PEM files.
func NewTarget(address, caFile, certFile, keyFile string) (*Target, error) {
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("reading %s: no certificate in it", caFile)
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return &Target{address: address, config: &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}, ServerName: "localhost",
		ClientSessionCache: nil,
	}}, nil
}

// Connections returns n connections that are alive.
func (t *Target) Connections(n int) ([]*Conn, error) {
	alive := t.conns[:0]
	for _, c := range t.conns {
		c.mu.Lock()
		if c.closed == nil {
			alive = append(alive, c)
		}
		c.mu.Unlock()
	}
	t.conns = alive
	for len(t.conns) < n {
		c, err := Dial(t.address, t.config)
		if err != nil {
			return nil, err
		}
		t.conns = append(t.conns, c)
	}
	return t.conns[:n], nil
}
