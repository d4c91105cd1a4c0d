// The clients' scenario with client-go. What the steps mean is said in ../steps.ts; each prints one line for the runner.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"skiff/tests/clients/steps"
)

// scenario is what the steps share.
type scenario struct {
	config    *rest.Config
	client    *kubernetes.Clientset
	namespace string
	image     string
}

const short = 30 * time.Second

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", steps.Must("KUBECONFIG"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	s := &scenario{config, client, steps.Must("CLIENTS_NAMESPACE"), steps.Must("CLIENTS_IMAGE")}

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
	steps.Step("logs", short, s.logs)
	steps.Step("exec", short, s.exec)
	steps.Step("port-forward", short, s.portForward)
	steps.Step("evict", 2*short, s.evict)
	steps.Step("protobuf", short, s.protobuf)
	steps.Step("dynamic", short, s.dynamic)
	steps.Step("informers", short, s.informers)
	steps.Step("watch-cut", 2*short, s.watchCut)
	steps.Step("leader-election", 2*short, s.leaderElection)
	steps.Step("delete", 2*short, s.delete)

	// Whatever failed on the way, nothing stays behind.
	background := metav1.DeletePropagationBackground
	_ = client.CoreV1().Namespaces().Delete(context.Background(), s.namespace, metav1.DeleteOptions{PropagationPolicy: &background})
	if steps.Failed {
		os.Exit(1)
	}
}
