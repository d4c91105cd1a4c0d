package main

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/util/retry"

	"skiff/tests/clients/steps"
)

// program is what the pods run: it says a word to the log and serves a page.
const program = `echo hello from $HOSTNAME
mkdir -p /tmp/www && echo served > /tmp/www/index.html
trap 'exit 0' TERM
httpd -f -p 8080 -h /tmp/www & wait`

// create makes the namespace and a Deployment of one pod, and waits for the pod.
func (s *scenario) create(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if _, err := s.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return err
	}
	labels := map[string]string{"app": "web"}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: steps.Ptr(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: steps.Ptr(int64(1)),
					Containers: []corev1.Container{{
						Name: "web", Image: s.image, Command: []string{"sh", "-c", program},
						Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
					}},
				},
			},
		},
	}
	deployments := s.client.AppsV1().Deployments(s.namespace)
	if _, err := deployments.Create(ctx, deployment, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := deployments.Create(ctx, deployment, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating it again: want 409 AlreadyExists, got %v", err)
	}
	return s.available(ctx, 1)
}

func (s *scenario) available(ctx context.Context, replicas int32) error {
	return steps.Eventually(ctx, fmt.Sprintf("%d available replicas", replicas), func() (bool, error) {
		web, err := s.client.AppsV1().Deployments(s.namespace).Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		return web.Status.AvailableReplicas == replicas && web.Status.ObservedGeneration == web.Generation,
			fmt.Errorf("%d are available of generation %d", web.Status.AvailableReplicas, web.Status.ObservedGeneration)
	})
}

// watch sees an object come, change and go, in order.
func (s *scenario) watch(ctx context.Context) error {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	list, err := maps.List(ctx, metav1.ListOptions{LabelSelector: "step=watch"})
	if err != nil {
		return err
	}
	events, err := maps.Watch(ctx, metav1.ListOptions{
		LabelSelector: "step=watch", ResourceVersion: list.ResourceVersion, AllowWatchBookmarks: true,
	})
	if err != nil {
		return err
	}
	defer events.Stop()
	made, err := maps.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "watched", Labels: map[string]string{"step": "watch"}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Data = map[string]string{"changed": "yes"}
	if _, err := maps.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if _, err := maps.Update(ctx, made, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		return fmt.Errorf("updating from an old revision: want 409 Conflict, got %v", err)
	}
	if err := maps.Delete(ctx, "watched", metav1.DeleteOptions{}); err != nil {
		return err
	}
	for _, want := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		select {
		case event := <-events.ResultChan():
			if event.Type != want {
				return fmt.Errorf("want %s, got %s of %v", want, event.Type, event.Object)
			}
		case <-ctx.Done():
			return fmt.Errorf("no %s event came", want)
		}
	}
	return nil
}

// apply makes an object, meets another manager's field, and takes it over by force.
func (s *scenario) apply(ctx context.Context) error {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	wanted := func(value string) *coreapply.ConfigMapApplyConfiguration {
		return coreapply.ConfigMap("applied", s.namespace).WithData(map[string]string{"key": value})
	}
	first, err := maps.Apply(ctx, wanted("one"), metav1.ApplyOptions{FieldManager: "first"})
	if err != nil {
		return err
	}
	if len(first.ManagedFields) != 1 || first.ManagedFields[0].Manager != "first" || first.ManagedFields[0].Operation != metav1.ManagedFieldsOperationApply {
		return fmt.Errorf("managed fields after the first apply: %v", first.ManagedFields)
	}
	if _, err := maps.Apply(ctx, wanted("two"), metav1.ApplyOptions{FieldManager: "second"}); !apierrors.IsConflict(err) {
		return fmt.Errorf("another manager's value: want 409 Conflict, got %v", err)
	}
	second, err := maps.Apply(ctx, wanted("two"), metav1.ApplyOptions{FieldManager: "second", Force: true})
	if err != nil {
		return err
	}
	if second.Data["key"] != "two" {
		return fmt.Errorf("after applying by force the value is %q", second.Data["key"])
	}
	// What a manager leaves out of its next configuration, and nobody else owns, goes.
	bare, err := maps.Apply(ctx, coreapply.ConfigMap("applied", s.namespace), metav1.ApplyOptions{FieldManager: "second"})
	if err != nil {
		return err
	}
	if _, there := bare.Data["key"]; there {
		return fmt.Errorf("a field that its only manager left out stayed: %v", bare.Data)
	}
	// A field that an update wrote belongs to the updater.
	bare.Data = map[string]string{"written": "by update"}
	if _, err := maps.Update(ctx, bare, metav1.UpdateOptions{FieldManager: "updater"}); err != nil {
		return err
	}
	taken := coreapply.ConfigMap("applied", s.namespace).WithData(map[string]string{"written": "by apply"})
	if _, err := maps.Apply(ctx, taken, metav1.ApplyOptions{FieldManager: "second"}); !apierrors.IsConflict(err) {
		return fmt.Errorf("a value that an update wrote: want 409 Conflict, got %v", err)
	}
	// Apply from what is there, as operators do.
	web, err := s.client.AppsV1().Deployments(s.namespace).Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if _, err := appsapply.ExtractDeployment(web, "nobody"); err != nil {
		return fmt.Errorf("extracting an apply configuration from managed fields: %w", err)
	}
	return nil
}

func (s *scenario) jsonPatch(ctx context.Context) error {
	web, err := s.patchWeb(ctx, types.JSONPatchType, []map[string]any{
		{"op": "test", "path": "/metadata/name", "value": "web"},
		{"op": "add", "path": "/metadata/annotations/clients.example~1json", "value": "yes"},
	})
	if err != nil {
		return err
	}
	if web.Annotations["clients.example/json"] != "yes" {
		return fmt.Errorf("annotations after the patch: %v", web.Annotations)
	}
	if _, err = s.patchWeb(ctx, types.JSONPatchType, []map[string]any{
		{"op": "test", "path": "/metadata/name", "value": "other"},
	}); !apierrors.IsInvalid(err) {
		return fmt.Errorf("a test that does not hold: want 422, got %v", err)
	}
	return nil
}

func (s *scenario) mergePatch(ctx context.Context) error {
	web, err := s.patchWeb(ctx, types.MergePatchType, map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{"clients.example/json": nil, "clients.example/merge": "yes"}},
	})
	if err != nil {
		return err
	}
	if _, there := web.Annotations["clients.example/json"]; there || web.Annotations["clients.example/merge"] != "yes" {
		return fmt.Errorf("annotations after the patch: %v", web.Annotations)
	}
	return nil
}

// strategicPatch adds a variable to the container by its name, and keeps the rest of the container.
func (s *scenario) strategicPatch(ctx context.Context) error {
	web, err := s.patchWeb(ctx, types.StrategicMergePatchType, map[string]any{
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{
			map[string]any{"name": "web", "env": []any{map[string]any{"name": "PATCHED", "value": "yes"}}},
		}}}},
	})
	if err != nil {
		return err
	}
	containers := web.Spec.Template.Spec.Containers
	if len(containers) != 1 || containers[0].Image != s.image || len(containers[0].Env) != 1 {
		return fmt.Errorf("containers after the patch: %v", containers)
	}
	return s.available(ctx, 1)
}

func (s *scenario) patchWeb(ctx context.Context, kind types.PatchType, patch any) (*appsv1.Deployment, error) {
	data, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	return s.client.AppsV1().Deployments(s.namespace).Patch(ctx, "web", kind, data, metav1.PatchOptions{})
}

// listChunks reads 25 objects ten at a time, all of one revision.
func (s *scenario) listChunks(ctx context.Context) error {
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	for i := range 25 {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("chunk-%02d", i), Labels: map[string]string{"step": "chunks"}}}
		if _, err := maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	var sizes []int
	seen := map[string]bool{}
	revision := ""
	for options := (metav1.ListOptions{Limit: 10, LabelSelector: "step=chunks"}); ; {
		list, err := maps.List(ctx, options)
		if err != nil {
			return err
		}
		if revision == "" {
			revision = list.ResourceVersion
			late := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "chunk-99", Labels: map[string]string{"step": "chunks"}}}
			if _, err := maps.Create(ctx, late, metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		if list.ResourceVersion != revision {
			return fmt.Errorf("a chunk is of revision %s, the first was of %s", list.ResourceVersion, revision)
		}
		sizes = append(sizes, len(list.Items))
		for _, item := range list.Items {
			seen[item.Name] = true
		}
		if options.Continue = list.Continue; options.Continue == "" {
			break
		}
	}
	if fmt.Sprint(sizes) != "[10 10 5]" || len(seen) != 25 {
		return fmt.Errorf("chunks of %v with %d names", sizes, len(seen))
	}
	return maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "step=chunks"})
}

func (s *scenario) scale(ctx context.Context) error {
	deployments := s.client.AppsV1().Deployments(s.namespace)
	scale, err := deployments.GetScale(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if scale.Spec.Replicas != 1 || scale.Status.Selector != "app=web" {
		return fmt.Errorf("the scale is %v %v", scale.Spec, scale.Status)
	}
	// The Deployment's status may change in between, which its scale's revision shows.
	if err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		scale, err := deployments.GetScale(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		scale.Spec.Replicas = 2
		_, err = deployments.UpdateScale(ctx, "web", scale, metav1.UpdateOptions{})
		return err
	}); err != nil {
		return err
	}
	return s.available(ctx, 2)
}

// delete takes the Deployment away with what it owns, then the namespace, and sees each gone.
func (s *scenario) delete(ctx context.Context) error {
	foreground := metav1.DeletePropagationForeground
	deployments := s.client.AppsV1().Deployments(s.namespace)
	if err := deployments.Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: &foreground}); err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "the Deployment and its pods gone", func() (bool, error) {
		if _, err := deployments.Get(ctx, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return false, err
		}
		pods, err := s.client.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
		return err == nil && len(pods.Items) == 0, err
	}); err != nil {
		return err
	}
	if err := s.client.CoreV1().Namespaces().Delete(ctx, s.namespace, metav1.DeleteOptions{}); err != nil {
		return err
	}
	return steps.Eventually(ctx, "the namespace gone", func() (bool, error) {
		_, err := s.client.CoreV1().Namespaces().Get(ctx, s.namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), err
	})
}
