// Package greeting is the operator's own kind: an object that asks for a ConfigMap with a greeting.
package greeting

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion of the kind.
var GroupVersion = schema.GroupVersion{Group: "clients.example.com", Version: "v1"}

// Finalizer holds an object until its farewell is written.
const Finalizer = "clients.example.com/farewell"

// Greeting asks for a ConfigMap of its name that greets Spec.Name.
type Greeting struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec,omitempty"`
	Status            Status `json:"status,omitempty"`
}

// Spec is what is wanted.
type Spec struct {
	Name string `json:"name"`
	// Words has a default in the schema.
	Words string `json:"words,omitempty"`
}

// Status is what the operator did.
type Status struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// List of greetings.
type List struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Greeting `json:"items"`
}

// DeepCopyObject makes it a runtime.Object.
func (g *Greeting) DeepCopyObject() runtime.Object {
	out := *g
	out.ObjectMeta = *g.ObjectMeta.DeepCopy()
	out.Status.Conditions = append([]metav1.Condition(nil), g.Status.Conditions...)
	return &out
}

// DeepCopyObject makes it a runtime.Object.
func (l *List) DeepCopyObject() runtime.Object {
	out := *l
	out.Items = make([]Greeting, len(l.Items))
	for i := range l.Items {
		out.Items[i] = *l.Items[i].DeepCopyObject().(*Greeting)
	}
	return &out
}

// AddToScheme registers the kind.
func AddToScheme(scheme *runtime.Scheme) {
	scheme.AddKnownTypeWithName(GroupVersion.WithKind("Greeting"), &Greeting{})
	scheme.AddKnownTypeWithName(GroupVersion.WithKind("GreetingList"), &List{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
}

// Definition is the kind's CustomResourceDefinition.
func Definition() *apiextensionsv1.CustomResourceDefinition {
	text := apiextensionsv1.JSONSchemaProps{Type: "string"}
	short := text
	short.MaxLength = new(int64)
	*short.MaxLength = 20
	words := text
	words.Default = &apiextensionsv1.JSON{Raw: []byte(`"hello"`)}
	open := true
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "greetings." + GroupVersion.Group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: GroupVersion.Group,
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{
				Plural: "greetings", Singular: "greeting", Kind: "Greeting", ListKind: "GreetingList", ShortNames: []string{"gr"},
			},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: GroupVersion.Version, Served: true, Storage: true,
				Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				AdditionalPrinterColumns: []apiextensionsv1.CustomResourceColumnDefinition{
					{Name: "For", Type: "string", JSONPath: ".spec.name"},
				},
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object",
					Properties: map[string]apiextensionsv1.JSONSchemaProps{
						"spec": {
							Type: "object", Required: []string{"name"},
							Properties: map[string]apiextensionsv1.JSONSchemaProps{"name": short, "words": words},
						},
						"status": {Type: "object", XPreserveUnknownFields: &open},
					},
				}},
			}},
		},
	}
}
