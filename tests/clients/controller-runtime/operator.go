package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"skiff/tests/clients/controller-runtime/greeting"
	"skiff/tests/clients/steps"
)

// process is a running operator.
type process struct{ command *exec.Cmd }

func (s *scenario) operator() *process {
	self, _ := os.Executable()
	command := exec.Command(filepath.Join(filepath.Dir(self), "operator"))
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if err := command.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return &process{command}
}

// end asks it to stop, and insists after three seconds.
func (p *process) end() {
	if p.command.Process == nil || p.command.ProcessState != nil {
		return
	}
	_ = p.command.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(3*time.Second, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	_ = p.command.Wait()
}

func (s *scenario) greeting(name string) *greeting.Greeting {
	return &greeting.Greeting{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.namespace}, Spec: greeting.Spec{Name: "world"},
	}
}

// customResource waits for the definition's conditions, then meets its schema: defaults, validation, pruning.
func (s *scenario) customResource(ctx context.Context) error {
	definition := greeting.Definition()
	if err := s.Create(ctx, definition); err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "the definition established", func() (bool, error) {
		if err := s.Get(ctx, client.ObjectKeyFromObject(definition), definition); err != nil {
			return false, err
		}
		for _, condition := range definition.Status.Conditions {
			if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
				return true, nil
			}
		}
		return false, fmt.Errorf("its conditions are %v", definition.Status.Conditions)
	}); err != nil {
		return err
	}
	long := s.greeting("long")
	long.Spec.Name = "a name of more than twenty characters"
	if err := s.Create(ctx, long); !apierrors.IsInvalid(err) {
		return fmt.Errorf("against the schema: want 422, got %v", err)
	}
	object := s.greeting("first")
	if err := s.Create(ctx, object); err != nil {
		return err
	}
	if object.Spec.Words != "hello" || object.Generation != 1 {
		return fmt.Errorf("the default is %q, the generation %d", object.Spec.Words, object.Generation)
	}
	return nil
}

// greets waits until the operator has made the text that is wanted.
func (s *scenario) greets(ctx context.Context, name, text string) error {
	return steps.Eventually(ctx, "the ConfigMap of "+name, func() (bool, error) {
		made := s.configMap(name)
		if err := s.Get(ctx, client.ObjectKeyFromObject(made), made); err != nil {
			return false, err
		}
		return made.Data["text"] == text && metav1.GetControllerOf(made) != nil, fmt.Errorf("it says %v", made.Data)
	})
}

func (s *scenario) reconcile(ctx context.Context) error {
	if err := s.greets(ctx, "first", "hello, world"); err != nil {
		return err
	}
	// What the operator owns comes back, and comes back to what it should be.
	if err := s.Delete(ctx, s.configMap("first")); err != nil {
		return err
	}
	if err := s.greets(ctx, "first", "hello, world"); err != nil {
		return err
	}
	object := s.greeting("first")
	if err := s.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return err
	}
	before := object.DeepCopyObject().(*greeting.Greeting)
	object.Spec.Words = "good day"
	if err := s.Patch(ctx, object, client.MergeFrom(before)); err != nil {
		return err
	}
	return s.greets(ctx, "first", "good day, world")
}

// status follows the generation, which writing the status leaves alone.
func (s *scenario) status(ctx context.Context) error {
	return steps.Eventually(ctx, "the status", func() (bool, error) {
		object := s.greeting("first")
		if err := s.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return false, err
		}
		return object.Generation == 2 && object.Status.ObservedGeneration == 2 && meta.IsStatusConditionTrue(object.Status.Conditions, "Ready"),
			fmt.Errorf("generation %d, status %v", object.Generation, object.Status)
	})
}

// handOver kills the operator that leads; the other goes on with the work.
func (s *scenario) handOver(ctx context.Context, first, second *process) error {
	holder := func() (string, error) {
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "greetings", Namespace: s.namespace}}
		if err := s.Get(ctx, client.ObjectKeyFromObject(lease), lease); err != nil || lease.Spec.HolderIdentity == nil {
			return "", err
		}
		return *lease.Spec.HolderIdentity, nil
	}
	before, err := holder()
	if err != nil {
		return err
	}
	if before == "" {
		return fmt.Errorf("nobody leads")
	}
	// Which of the two it is does not show: the first is killed, and whoever leads then does the work.
	_ = first.command.Process.Kill()
	_ = first.command.Wait()
	if err := s.Create(ctx, s.greeting("second")); err != nil {
		return err
	}
	if err := s.greets(ctx, "second", "hello, world"); err != nil {
		return err
	}
	third := s.operator()
	defer third.end()
	after, err := holder()
	if err != nil {
		return err
	}
	second.end()
	if err := steps.Eventually(ctx, "another leader", func() (bool, error) {
		now, err := holder()
		return now != "" && now != after, err
	}); err != nil {
		return err
	}
	if err := s.Create(ctx, s.greeting("third")); err != nil {
		return err
	}
	if err := s.greets(ctx, "third", "hello, world"); err != nil {
		return err
	}
	return s.Delete(ctx, s.greeting("third"))
}

// finalizer wants the farewell written, the object gone, and what it owned gone with it.
func (s *scenario) finalizer(ctx context.Context) error {
	last := s.operator()
	defer last.end()
	if err := s.Delete(ctx, s.greeting("first")); err != nil {
		return err
	}
	farewell := s.configMap("first-farewell")
	if err := steps.Eventually(ctx, "the farewell", func() (bool, error) {
		err := s.Get(ctx, client.ObjectKeyFromObject(farewell), farewell)
		return err == nil, err
	}); err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "the object and its ConfigMap gone", func() (bool, error) {
		object, owned := s.greeting("first"), s.configMap("first")
		return apierrors.IsNotFound(s.Get(ctx, client.ObjectKeyFromObject(object), object)) &&
			apierrors.IsNotFound(s.Get(ctx, client.ObjectKeyFromObject(owned), owned)), nil
	}); err != nil {
		return err
	}
	if err := s.Delete(ctx, s.greeting("second")); err != nil {
		return err
	}
	return steps.Eventually(ctx, "every Greeting gone", func() (bool, error) {
		list := &greeting.List{}
		err := s.List(ctx, list, client.InNamespace(s.namespace))
		return err == nil && len(list.Items) == 0, err
	})
}
