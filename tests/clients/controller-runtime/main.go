// The clients' scenario with controller-runtime's client, and an operator that is a program of its own.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"skiff/tests/clients/controller-runtime/greeting"
	"skiff/tests/clients/steps"
)

type scenario struct {
	client.WithWatch
	config    *rest.Config
	scheme    *runtime.Scheme
	namespace string
	image     string
}

const short = 30 * time.Second

func main() {
	ctrl.SetLogger(zap.New())
	scheme := runtime.NewScheme()
	_ = clientgoscheme.AddToScheme(scheme)
	_ = apiextensionsv1.AddToScheme(scheme)
	greeting.AddToScheme(scheme)
	steps.Must("KUBECONFIG")
	config := ctrl.GetConfigOrDie()
	direct, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	s := &scenario{direct, config, scheme, steps.Must("CLIENTS_NAMESPACE"), steps.Must("CLIENTS_IMAGE")}

	steps.Step("certificate", short, s.certificate)
	steps.Step("discovery", short, s.discovery)
	steps.Step("create", 2*short, s.create)
	steps.Step("token", short, s.token)
	steps.Step("watch", short, s.watch)
	steps.Step("apply", short, s.apply)
	steps.Step("json-patch", short, s.jsonPatch)
	steps.Step("merge-patch", short, s.mergePatch)
	steps.Step("strategic-patch", short, s.strategicPatch)
	steps.Step("list-chunks", short, s.listChunks)
	steps.Step("scale", 2*short, s.scale)
	steps.Step("evict", 2*short, s.evict)

	steps.Step("custom-resource", short, s.customResource)
	first, second := s.operator(), s.operator()
	steps.Step("reconcile", 2*short, s.reconcile)
	steps.Step("status", short, s.status)
	steps.Step("leader-election", 2*short, func(ctx context.Context) error { return s.handOver(ctx, first, second) })
	// The garbage collector looks for new kinds every 30 s, here as upstream.
	steps.Step("finalizer", 3*short, s.finalizer)
	first.end()
	second.end()
	steps.Step("delete", 2*short, s.delete)

	ctx := context.Background()
	_ = s.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}})
	_ = s.Delete(ctx, greeting.Definition())
	if steps.Failed {
		os.Exit(1)
	}
}

func (s *scenario) web() *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: s.namespace},
		Spec: appsv1.DeploymentSpec{
			Replicas: steps.Ptr(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: steps.Ptr(int64(1)),
					Containers: []corev1.Container{{Name: "web", Image: s.image, Command: []string{
						"sh", "-c", "trap 'exit 0' TERM; httpd -f -p 8080 & wait",
					}}},
				},
			},
		},
	}
}

func (s *scenario) available(ctx context.Context, replicas int32) error {
	return steps.Eventually(ctx, fmt.Sprintf("%d available replicas", replicas), func() (bool, error) {
		web := s.web()
		if err := s.Get(ctx, client.ObjectKeyFromObject(web), web); err != nil {
			return false, err
		}
		return web.Status.AvailableReplicas == replicas && web.Status.ObservedGeneration == web.Generation,
			fmt.Errorf("%d are available", web.Status.AvailableReplicas)
	})
}

func (s *scenario) configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.namespace}}
}
