package main

import (
	"context"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/tools/portforward"
)

// servedPage opens a local port to the pod's 8080 and fetches the page there.
func servedPage(ctx context.Context, dialer httpstream.Dialer) error {
	stop, ready, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	forward, err := portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:8080"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		return err
	}
	go func() { done <- forward.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { close(stop); <-done }()
	ports, err := forward.GetPorts()
	if err != nil {
		return err
	}
	text, err := fetch(ctx, fmt.Sprintf("http://127.0.0.1:%d/index.html", ports[0].Local))
	if err != nil {
		return err
	}
	if text != "served\n" {
		return fmt.Errorf("the page says %q", text)
	}
	return nil
}
