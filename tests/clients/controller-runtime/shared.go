package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"skiff/tests/clients/steps"
)

func (s *scenario) certificate(ctx context.Context) error {
	review := &authenticationv1.SelfSubjectReview{}
	if err := s.Create(ctx, review); err != nil {
		return err
	}
	if !slices.Contains(review.Status.UserInfo.Groups, "system:authenticated") {
		return fmt.Errorf("the certificate's user is %v", review.Status.UserInfo)
	}
	return nil
}

func (s *scenario) discovery(context.Context) error {
	mapping, err := s.RESTMapper().RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"})
	if err != nil {
		return err
	}
	if mapping.Resource.Resource != "deployments" || mapping.Scope.Name() != "namespace" {
		return fmt.Errorf("the mapping of Deployment is %v", mapping)
	}
	return nil
}

func (s *scenario) create(ctx context.Context) error {
	if err := s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}); err != nil {
		return err
	}
	if err := s.Create(ctx, s.web()); err != nil {
		return err
	}
	if err := s.Create(ctx, s.web()); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating it again: want 409 AlreadyExists, got %v", err)
	}
	return s.available(ctx, 1)
}

func (s *scenario) token(ctx context.Context) error {
	named := metav1.ObjectMeta{Name: "reader", Namespace: s.namespace}
	account := &corev1.ServiceAccount{ObjectMeta: named}
	if err := s.Create(ctx, account); err != nil {
		return err
	}
	if err := s.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: named,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "reader", Namespace: s.namespace}},
	}); err != nil {
		return err
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: steps.Ptr(int64(600))}}
	if err := s.SubResource("token").Create(ctx, account, request); err != nil {
		return err
	}
	config := rest.AnonymousClientConfig(s.config)
	config.BearerToken = request.Status.Token
	reader, err := client.New(config, client.Options{Scheme: s.scheme})
	if err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "listing pods by token", func() (bool, error) {
		err := reader.List(ctx, &corev1.PodList{}, client.InNamespace(s.namespace))
		return err == nil, err
	}); err != nil {
		return err
	}
	if err := reader.Create(ctx, s.configMap("refused")); !apierrors.IsForbidden(err) {
		return fmt.Errorf("creating by a reader's token: want 403, got %v", err)
	}
	return nil
}

func (s *scenario) watch(ctx context.Context) error {
	events, err := s.Watch(ctx, &corev1.ConfigMapList{}, client.InNamespace(s.namespace), client.MatchingLabels{"step": "watch"})
	if err != nil {
		return err
	}
	defer events.Stop()
	watched := s.configMap("watched")
	watched.Labels = map[string]string{"step": "watch"}
	if err := s.Create(ctx, watched); err != nil {
		return err
	}
	stale := watched.DeepCopy()
	watched.Data = map[string]string{"changed": "yes"}
	if err := s.Update(ctx, watched); err != nil {
		return err
	}
	stale.Data = map[string]string{"changed": "too"}
	if err := s.Update(ctx, stale); !apierrors.IsConflict(err) {
		return fmt.Errorf("updating from an old revision: want 409 Conflict, got %v", err)
	}
	if err := s.Delete(ctx, watched); err != nil {
		return err
	}
	for _, want := range []watch.EventType{watch.Added, watch.Modified, watch.Deleted} {
		select {
		case event := <-events.ResultChan():
			if event.Type != want {
				return fmt.Errorf("want %s, got %s", want, event.Type)
			}
		case <-ctx.Done():
			return fmt.Errorf("no %s event came", want)
		}
	}
	return nil
}

func (s *scenario) apply(ctx context.Context) error {
	wanted := func(value string) *coreapply.ConfigMapApplyConfiguration {
		return coreapply.ConfigMap("applied", s.namespace).WithData(map[string]string{"key": value})
	}
	if err := s.Apply(ctx, wanted("one"), client.FieldOwner("first")); err != nil {
		return err
	}
	if err := s.Apply(ctx, wanted("two"), client.FieldOwner("second")); !apierrors.IsConflict(err) {
		return fmt.Errorf("another manager's value: want 409 Conflict, got %v", err)
	}
	return s.Apply(ctx, wanted("two"), client.FieldOwner("second"), client.ForceOwnership)
}

func (s *scenario) patchWeb(ctx context.Context, kind types.PatchType, patch any) (*appsv1.Deployment, error) {
	data, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	web := s.web()
	return web, s.Patch(ctx, web, client.RawPatch(kind, data))
}

func (s *scenario) jsonPatch(ctx context.Context) error {
	web, err := s.patchWeb(ctx, types.JSONPatchType, []map[string]any{
		{"op": "add", "path": "/metadata/annotations/clients.example~1json", "value": "yes"},
	})
	if err == nil && web.Annotations["clients.example/json"] != "yes" {
		return fmt.Errorf("annotations after the patch: %v", web.Annotations)
	}
	return err
}

// mergePatch tries again while the Deployment's status changes between its read and its patch.
func (s *scenario) mergePatch(ctx context.Context) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error { return s.lockedPatch(ctx) })
}

// lockedPatch changes what it read, with a lock on the revision that it read.
func (s *scenario) lockedPatch(ctx context.Context) error {
	web := s.web()
	if err := s.Get(ctx, client.ObjectKeyFromObject(web), web); err != nil {
		return err
	}
	before := web.DeepCopy()
	if web.Annotations == nil {
		web.Annotations = map[string]string{}
	}
	delete(web.Annotations, "clients.example/json")
	web.Annotations["clients.example/merge"] = "yes"
	if err := s.Patch(ctx, web, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return err
	}
	if _, there := web.Annotations["clients.example/json"]; there {
		return fmt.Errorf("annotations after the patch: %v", web.Annotations)
	}
	late := before.DeepCopy()
	late.Annotations["clients.example/merge"] = "late"
	if err := s.Patch(ctx, late, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); !apierrors.IsConflict(err) {
		return fmt.Errorf("a patch of an old revision: want 409 Conflict, got %v", err)
	}
	return nil
}

func (s *scenario) strategicPatch(ctx context.Context) error {
	web := s.web()
	if err := s.Get(ctx, client.ObjectKeyFromObject(web), web); err != nil {
		return err
	}
	before := web.DeepCopy()
	web.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PATCHED", Value: "yes"}}
	if err := s.Patch(ctx, web, client.StrategicMergeFrom(before)); err != nil {
		return err
	}
	return s.available(ctx, 1)
}

func (s *scenario) listChunks(ctx context.Context) error {
	chunk := client.MatchingLabels{"step": "chunks"}
	for i := range 25 {
		object := s.configMap(fmt.Sprintf("chunk-%02d", i))
		object.Labels = chunk
		if err := s.Create(ctx, object); err != nil {
			return err
		}
	}
	var sizes []int
	for next := ""; ; {
		list := &corev1.ConfigMapList{}
		if err := s.List(ctx, list, client.InNamespace(s.namespace), chunk, client.Limit(10), client.Continue(next)); err != nil {
			return err
		}
		sizes = append(sizes, len(list.Items))
		if next = list.Continue; next == "" {
			break
		}
	}
	if fmt.Sprint(sizes) != "[10 10 5]" {
		return fmt.Errorf("chunks of %v", sizes)
	}
	return s.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(s.namespace), chunk)
}

func (s *scenario) scale(ctx context.Context) error {
	scale := &autoscalingv1.Scale{}
	if err := s.SubResource("scale").Get(ctx, s.web(), scale); err != nil {
		return err
	}
	before := scale.DeepCopy()
	scale.Spec.Replicas = 2
	if err := s.SubResource("scale").Patch(ctx, s.web(), client.MergeFrom(before), client.WithSubResourceBody(scale)); err != nil {
		return err
	}
	return s.available(ctx, 2)
}

func (s *scenario) evict(ctx context.Context) error {
	pods := &corev1.PodList{}
	if err := s.List(ctx, pods, client.InNamespace(s.namespace), client.MatchingLabels{"app": "web"}); err != nil {
		return err
	}
	pod := &pods.Items[0]
	if err := s.SubResource("eviction").Create(ctx, pod, &policyv1.Eviction{}); err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "the evicted pod gone", func() (bool, error) {
		return apierrors.IsNotFound(s.Get(ctx, client.ObjectKeyFromObject(pod), &corev1.Pod{})), nil
	}); err != nil {
		return err
	}
	return s.available(ctx, 2)
}

func (s *scenario) delete(ctx context.Context) error {
	if err := s.Delete(ctx, s.web(), client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "the Deployment gone", func() (bool, error) {
		return apierrors.IsNotFound(s.Get(ctx, client.ObjectKeyFromObject(s.web()), s.web())), nil
	}); err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if err := s.Delete(ctx, namespace); err != nil {
		return err
	}
	return steps.Eventually(ctx, "the namespace gone", func() (bool, error) {
		return apierrors.IsNotFound(s.Get(ctx, client.ObjectKeyFromObject(namespace), namespace)), nil
	})
}
