package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"skiff/tests/clients/steps"
)

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// protobuf speaks it both ways: what is written, read, listed and watched.
func (s *scenario) protobuf(ctx context.Context) error {
	config := rest.CopyConfig(s.config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	return s.comeAndGo(ctx, client, "protobuf")
}

// comeAndGo makes an object, finds it in a list, sees it in a watch, and takes it away.
func (s *scenario) comeAndGo(ctx context.Context, client kubernetes.Interface, name string) error {
	maps := client.CoreV1().ConfigMaps(s.namespace)
	one := metav1.ListOptions{FieldSelector: "metadata.name=" + name}
	events, err := maps.Watch(ctx, one)
	if err != nil {
		return err
	}
	defer events.Stop()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"a": "b"}}
	if _, err := maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
		return err
	}
	list, err := maps.List(ctx, one)
	if err != nil {
		return err
	}
	if len(list.Items) != 1 || list.Items[0].Data["a"] != "b" {
		return fmt.Errorf("the list has %v", list.Items)
	}
	select {
	case event := <-events.ResultChan():
		if seen, ok := event.Object.(*corev1.ConfigMap); !ok || seen.Data["a"] != "b" {
			return fmt.Errorf("the watch says %v", event)
		}
	case <-ctx.Done():
		return errors.New("the watch says nothing")
	}
	return maps.Delete(ctx, name, metav1.DeleteOptions{})
}

// dynamic does without types: by the dynamic client, its informer, and the client of metadata alone.
func (s *scenario) dynamic(ctx context.Context) error {
	client, err := dynamic.NewForConfig(s.config)
	if err != nil {
		return err
	}
	maps := client.Resource(configMaps).Namespace(s.namespace)
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, s.namespace, nil)
	informer := factory.ForResource(configMaps)
	lister := informer.Lister().ByNamespace(s.namespace)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "dynamic"}, "data": map[string]any{"a": "b"},
	}}
	if _, err := maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := maps.Apply(ctx, "dynamic", &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "dynamic"}, "data": map[string]any{"c": "d"},
	}}, metav1.ApplyOptions{FieldManager: "dynamic"}); err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "the applied object in the informer", func() (bool, error) {
		object, err := lister.Get("dynamic")
		if err != nil {
			return false, err
		}
		data, _, err := unstructured.NestedStringMap(object.(*unstructured.Unstructured).Object, "data")
		return data["a"] == "b" && data["c"] == "d", err
	}); err != nil {
		return err
	}
	partial, err := metadata.NewForConfig(s.config)
	if err != nil {
		return err
	}
	head, err := partial.Resource(configMaps).Namespace(s.namespace).Get(ctx, "dynamic", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if head.Name != "dynamic" || head.UID == "" {
		return fmt.Errorf("the metadata client got %v", head)
	}
	return maps.Delete(ctx, "dynamic", metav1.DeleteOptions{})
}

// informers hears of an object's coming, change and going, and its lister and index agree.
func (s *scenario) informers(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, 0, informers.WithNamespace(s.namespace))
	maps := factory.Core().V1().ConfigMaps()
	var added, updated, deleted atomic.Int32
	about := func(count *atomic.Int32, object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil && key == s.namespace+"/informed" {
			count.Add(1)
		}
	}
	registration, err := maps.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { about(&added, object) },
		UpdateFunc: func(_, object any) { about(&updated, object) },
		DeleteFunc: func(object any) { about(&deleted, object) },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return errors.New("the informer did not come in step")
	}
	client := s.client.CoreV1().ConfigMaps(s.namespace)
	object, err := client.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "informed"}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	object.Data = map[string]string{"a": "b"}
	if _, err := client.Update(ctx, object, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err := steps.Eventually(ctx, "the change in the lister", func() (bool, error) {
		got, err := maps.Lister().ConfigMaps(s.namespace).Get("informed")
		return err == nil && got.Data["a"] == "b", err
	}); err != nil {
		return err
	}
	if err := client.Delete(ctx, "informed", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return steps.Eventually(ctx, "one call of each handler", func() (bool, error) {
		counts := []int32{added.Load(), updated.Load(), deleted.Load()}
		return fmt.Sprint(counts) == "[1 1 1]", fmt.Errorf("they were called %v times", counts)
	})
}

// cuttable dials, and can cut every connection it made.
type cuttable struct {
	mutex sync.Mutex
	open  []net.Conn
}

func (c *cuttable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err == nil {
		c.mutex.Lock()
		c.open = append(c.open, connection)
		c.mutex.Unlock()
	}
	return connection, err
}

func (c *cuttable) cut() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, connection := range c.open {
		connection.Close()
	}
	c.open = nil
}

// watchCut breaks an informer's connection, then has its watches end every second, and finds nothing lost.
func (s *scenario) watchCut(ctx context.Context) error {
	wires := &cuttable{}
	config := rest.CopyConfig(s.config)
	config.Dial = wires.dial
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	var watches atomic.Int32
	seconds := int64(1)
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(s.namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.LabelSelector = "step=cut"
			options.TimeoutSeconds = &seconds
			watches.Add(1)
		}))
	lister := factory.Core().V1().ConfigMaps().Lister()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	maps := s.client.CoreV1().ConfigMaps(s.namespace)
	for i := range 20 {
		if i%5 == 0 {
			wires.cut()
		}
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("cut-%d", i), Labels: map[string]string{"step": "cut"}}}
		if _, err := maps.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
		before := watches.Load()
		if i%10 == 9 {
			if err := steps.Eventually(ctx, "a watch that ended begun again", func() (bool, error) { return watches.Load() > before+1, nil }); err != nil {
				return err
			}
		}
	}
	return steps.Eventually(ctx, "every object in the lister", func() (bool, error) {
		all, err := lister.List(labels.Everything())
		return len(all) == 20, errors.Join(err, fmt.Errorf("%d of 20 are there", len(all)))
	})
}
