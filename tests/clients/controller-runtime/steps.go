package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// failed is set when any step did not pass; the program then ends with 1.
var failed bool

// step runs one step of the scenario and prints its line for the runner: name, result, first error, between tabs.
func step(name string, limit time.Duration, work func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := work(ctx); err != nil {
		failed = true
		fmt.Printf("%s\tfailed\t%s\n", name, strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	fmt.Printf("%s\tok\t\n", name)
}

// eventually calls check until it is true; its last word is the error when that never happens.
func eventually(ctx context.Context, what string, check func() (bool, error)) error {
	var last error
	for {
		ok, err := check()
		if ok {
			return nil
		}
		if err != nil {
			last = err
		}
		select {
		case <-ctx.Done():
			if last != nil {
				return fmt.Errorf("%s: %w", what, last)
			}
			return fmt.Errorf("%s: it did not happen in time", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func must(name string) string {
	value := os.Getenv(name)
	if value == "" {
		fmt.Fprintf(os.Stderr, "%s is not set: run this by `npm run clients`\n", name)
		os.Exit(2)
	}
	return value
}

func ptr[T any](value T) *T { return &value }
