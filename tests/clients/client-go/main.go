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
	config, err := clientcmd.BuildConfigFromFlags("", must("KUBECONFIG"))
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
	s := &scenario{config, client, must("CLIENTS_NAMESPACE"), must("CLIENTS_IMAGE")}

	step("certificate", short, s.certificate)
	step("discovery", short, s.discovery)
	step("create", 2*short, s.create)
	step("token", short, s.token)
	step("watch", short, s.watch)
	step("apply", short, s.apply)
	step("json-patch", short, s.jsonPatch)
	step("merge-patch", short, s.mergePatch)
	step("strategic-patch", short, s.strategicPatch)
	step("list-chunks", short, s.listChunks)
	step("scale", 2*short, s.scale)
	step("logs", short, s.logs)
	step("exec", short, s.exec)
	step("port-forward", short, s.portForward)
	step("evict", 2*short, s.evict)
	step("protobuf", short, s.protobuf)
	step("dynamic", short, s.dynamic)
	step("informers", short, s.informers)
	step("watch-cut", 2*short, s.watchCut)
	step("leader-election", 2*short, s.leaderElection)
	step("delete", 2*short, s.delete)

	// Whatever failed on the way, nothing stays behind.
	background := metav1.DeletePropagationBackground
	_ = client.CoreV1().Namespaces().Delete(context.Background(), s.namespace, metav1.DeleteOptions{PropagationPolicy: &background})
	if failed {
		os.Exit(1)
	}
}
