package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"

	"skiff/tests/clients/steps"
)

func (s *scenario) pod(ctx context.Context) (*corev1.Pod, error) {
	pods, err := s.client.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=web", FieldSelector: "status.phase=Running"})
	if err != nil {
		return nil, err
	}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp == nil {
			return &pods.Items[i], nil
		}
	}
	return nil, errors.New("no pod of the Deployment is running")
}

func (s *scenario) logs(ctx context.Context) error {
	pod, err := s.pod(ctx)
	if err != nil {
		return err
	}
	return steps.Eventually(ctx, "the log", func() (bool, error) {
		text, err := s.client.CoreV1().Pods(s.namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
		return strings.Contains(string(text), "hello from "+pod.Name), errors.Join(err, fmt.Errorf("it says %q", text))
	})
}

// exec runs programs in the container by both protocols: stdin, stdout, stderr and the exit code arrive.
func (s *scenario) exec(ctx context.Context) error {
	pod, err := s.pod(ctx)
	if err != nil {
		return err
	}
	request := s.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(s.namespace).Name(pod.Name).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Command: []string{"sh", "-c", "cat; echo to stderr >&2; exit 7"}, Stdin: true, Stdout: true, Stderr: true,
		}, scheme.ParameterCodec)
	overSpdy, err := remotecommand.NewSPDYExecutor(s.config, "POST", request.URL())
	if err != nil {
		return err
	}
	overWebSocket, err := remotecommand.NewWebSocketExecutor(s.config, "GET", request.URL().String())
	if err != nil {
		return err
	}
	for protocol, executor := range map[string]remotecommand.Executor{"SPDY": overSpdy, "WebSocket": overWebSocket} {
		var stdout, stderr bytes.Buffer
		err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{
			Stdin: strings.NewReader("from stdin"), Stdout: &stdout, Stderr: &stderr,
		})
		var exit exec.CodeExitError
		if !errors.As(err, &exit) || exit.Code != 7 {
			return fmt.Errorf("over %s: want exit code 7, got %v", protocol, err)
		}
		if stdout.String() != "from stdin" || stderr.String() != "to stderr\n" {
			return fmt.Errorf("over %s: stdout %q, stderr %q", protocol, stdout.String(), stderr.String())
		}
	}
	return nil
}

// portForward fetches the pod's page through a local port, by both protocols.
func (s *scenario) portForward(ctx context.Context) error {
	pod, err := s.pod(ctx)
	if err != nil {
		return err
	}
	url := s.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(s.namespace).Name(pod.Name).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(s.config)
	if err != nil {
		return err
	}
	overSpdy := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", url)
	overWebSocket, err := portforward.NewSPDYOverWebsocketDialer(url, s.config)
	if err != nil {
		return err
	}
	for protocol, dialer := range map[string]httpstream.Dialer{"SPDY": overSpdy, "WebSocket": overWebSocket} {
		if err := servedPage(ctx, dialer); err != nil {
			return fmt.Errorf("over %s: %w", protocol, err)
		}
	}
	return nil
}

// evict has one pod of two go; the Deployment replaces it.
func (s *scenario) evict(ctx context.Context) error {
	pod, err := s.pod(ctx)
	if err != nil {
		return err
	}
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: s.namespace}}
	if err := s.client.CoreV1().Pods(s.namespace).EvictV1(ctx, eviction); err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "the evicted pod gone", func() (bool, error) {
		now, err := s.client.CoreV1().Pods(s.namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err) || err == nil && now.UID != pod.UID, err
	}); err != nil {
		return err
	}
	return s.available(ctx, 2)
}

func fetch(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return "", err
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}
