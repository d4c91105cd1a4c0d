// Package steps is what the Go clients share: running the steps of the scenario and printing a line for each.
package steps

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Failed is set when any step did not pass; the program then ends with 1.
var Failed bool

// Step runs one step of the scenario and prints its line for the runner: name, result, first error, between tabs.
func Step(name string, limit time.Duration, work func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := work(ctx); err != nil {
		Failed = true
		fmt.Printf("%s\tfailed\t%s\n", name, strings.Join(strings.Fields(err.Error()), " "))
		return
	}
	fmt.Printf("%s\tok\t\n", name)
}

// Eventually calls check until it is true; its last word is the error when that never happens.
func Eventually(ctx context.Context, what string, check func() (bool, error)) error {
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

// Must is the value of an environment variable that the runner sets.
func Must(name string) string {
	value := os.Getenv(name)
	if value == "" {
		fmt.Fprintf(os.Stderr, "%s is not set: run this by `npm run clients`\n", name)
		os.Exit(2)
	}
	return value
}

// Ptr is where a copy of the value is.
func Ptr[T any](value T) *T { return &value }
