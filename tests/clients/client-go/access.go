package main

import (
	"context"
	"fmt"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"skiff/tests/clients/steps"
)

func whoAmI(ctx context.Context, client kubernetes.Interface) (authenticationv1.UserInfo, error) {
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.UserInfo{}, err
	}
	return review.Status.UserInfo, nil
}

func (s *scenario) certificate(ctx context.Context) error {
	user, err := whoAmI(ctx, s.client)
	if err != nil {
		return err
	}
	if user.Username == "" || !slices.Contains(user.Groups, "system:authenticated") {
		return fmt.Errorf("the certificate's user is %q of groups %v", user.Username, user.Groups)
	}
	anonymous, err := kubernetes.NewForConfig(rest.AnonymousClientConfig(s.config))
	if err != nil {
		return err
	}
	if _, err := anonymous.CoreV1().Pods("default").List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		return fmt.Errorf("listing pods without a certificate: want 403, got %v", err)
	}
	return nil
}

// token acts as a ServiceAccount that may read: it reads, and must not write.
func (s *scenario) token(ctx context.Context) error {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "reader"}}
	if _, err := s.client.CoreV1().ServiceAccounts(s.namespace).Create(ctx, account, metav1.CreateOptions{}); err != nil {
		return err
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "reader", Namespace: s.namespace}},
	}
	if _, err := s.client.RbacV1().RoleBindings(s.namespace).Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return err
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: steps.Ptr(int64(600))}}
	answer, err := s.client.CoreV1().ServiceAccounts(s.namespace).CreateToken(ctx, "reader", request, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	config := rest.AnonymousClientConfig(s.config)
	config.BearerToken = answer.Status.Token
	reader, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	user, err := whoAmI(ctx, reader)
	if err != nil {
		return err
	}
	if want := "system:serviceaccount:" + s.namespace + ":reader"; user.Username != want {
		return fmt.Errorf("the token's user is %q, want %q", user.Username, want)
	}
	if err := steps.Eventually(ctx, "listing pods by token", func() (bool, error) {
		_, err := reader.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
		return err == nil, err
	}); err != nil {
		return err
	}
	refused := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "refused"}}
	if _, err := reader.CoreV1().ConfigMaps(s.namespace).Create(ctx, refused, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		return fmt.Errorf("creating by a reader's token: want 403, got %v", err)
	}
	config.BearerToken = "nonsense"
	if _, err := whoAmI(ctx, kubernetes.NewForConfigOrDie(config)); !apierrors.IsUnauthorized(err) {
		return fmt.Errorf("a token that is none: want 401, got %v", err)
	}
	return nil
}

func (s *scenario) discovery(ctx context.Context) error {
	version, err := s.client.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	if version.Major != "1" {
		return fmt.Errorf("the server's version is %q", version.GitVersion)
	}
	groups, lists, err := s.client.Discovery().ServerGroupsAndResources()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(groups, func(group *metav1.APIGroup) bool { return group.Name == "apps" }) {
		return fmt.Errorf("no group apps among %d", len(groups))
	}
	for _, list := range lists {
		for _, resource := range list.APIResources {
			if list.GroupVersion == "apps/v1" && resource.Name == "deployments" && slices.Contains(resource.ShortNames, "deploy") {
				_, err := s.client.Discovery().OpenAPISchema()
				return err
			}
		}
	}
	return fmt.Errorf("no deployments in apps/v1 with the short name deploy")
}
