package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// candidate stands for election in its own goroutine until it is told to stop.
type candidate struct {
	leads   chan struct{}
	resigns context.CancelFunc
	over    chan struct{}
}

func (s *scenario) stand(ctx context.Context, name string, releases bool) (*candidate, error) {
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, s.namespace, "election",
		s.client.CoreV1(), s.client.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: name})
	if err != nil {
		return nil, err
	}
	own, cancel := context.WithCancel(ctx)
	c := &candidate{make(chan struct{}), cancel, make(chan struct{})}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, Name: name, ReleaseOnCancel: releases,
		LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 500 * time.Millisecond,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(c.leads) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		cancel()
		return nil, err
	}
	go func() { defer close(c.over); elector.Run(own) }()
	return c, nil
}

// leaderElection hands over twice: once the leader gives the Lease back, once it only falls silent.
func (s *scenario) leaderElection(ctx context.Context) error {
	first, err := s.stand(ctx, "first", true)
	if err != nil {
		return err
	}
	if err := led(ctx, "first", first); err != nil {
		return err
	}
	second, err := s.stand(ctx, "second", false)
	if err != nil {
		return err
	}
	select {
	case <-second.leads:
		return fmt.Errorf("two lead at once")
	case <-time.After(time.Second):
	}
	first.resigns()
	if err := led(ctx, "second", second); err != nil {
		return err
	}
	third, err := s.stand(ctx, "third", true)
	if err != nil {
		return err
	}
	second.resigns()
	if err := led(ctx, "third", third); err != nil {
		return err
	}
	lease, err := s.client.CoordinationV1().Leases(s.namespace).Get(ctx, "election", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if *lease.Spec.HolderIdentity != "third" || *lease.Spec.LeaseTransitions < 2 {
		return fmt.Errorf("the Lease is held by %q after %d changes", *lease.Spec.HolderIdentity, *lease.Spec.LeaseTransitions)
	}
	third.resigns()
	<-third.over
	return nil
}

func led(ctx context.Context, name string, c *candidate) error {
	select {
	case <-c.leads:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the %s candidate never led", name)
	}
}
