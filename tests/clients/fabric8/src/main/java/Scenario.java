import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.DeletionPropagation;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.api.model.authentication.SelfSubjectReviewBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.api.model.authentication.UserInfo;
import io.fabric8.kubernetes.api.model.rbac.RoleBindingBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.LocalPortForward;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/** The clients' scenario with fabric8. What the steps mean is said in ../steps.ts. */
public final class Scenario {
  static final String NAMESPACE = System.getenv("CLIENTS_NAMESPACE");
  static final String IMAGE = System.getenv("CLIENTS_IMAGE");
  static final String PROGRAM =
      "echo hello from $HOSTNAME; mkdir -p /tmp/www && echo served > /tmp/www/index.html;"
          + " trap 'exit 0' TERM; httpd -f -p 8080 -h /tmp/www & wait";

  final KubernetesClient client;

  Scenario(KubernetesClient client) {
    this.client = client;
  }

  public static void main(String[] arguments) {
    try (KubernetesClient client = new KubernetesClientBuilder().build()) {
      new Scenario(client).run();
      client.namespaces().withName(NAMESPACE).delete();
    }
    System.exit(Steps.failed ? 1 : 0);
  }

  void run() {
    Steps.step("certificate", this::certificate);
    Steps.step("discovery", this::discovery);
    Steps.step("create", this::create);
    Steps.step("token", this::token);
    Steps.step("watch", this::watch);
    Steps.step("apply", this::apply);
    Steps.step("json-patch", this::jsonPatch);
    Steps.step("merge-patch", this::mergePatch);
    Steps.step("strategic-patch", this::strategicPatch);
    Steps.step("list-chunks", this::listChunks);
    Steps.step("scale", this::scale);
    Steps.step("logs", this::logs);
    Steps.step("exec", this::exec);
    Steps.step("port-forward", this::portForward);
    Steps.step("evict", this::evict);
    Steps.step("informers", this::informers);
    Steps.step("delete", this::delete);
  }

  ConfigMap configMap(String name, String label) {
    return new ConfigMapBuilder().withNewMetadata().withName(name).withNamespace(NAMESPACE)
        .addToLabels("step", label).endMetadata().build();
  }

  Deployment web() {
    return client.apps().deployments().inNamespace(NAMESPACE).withName("web").get();
  }

  void available(int replicas) throws Exception {
    Steps.eventually(replicas + " available replicas", () -> {
      Deployment web = web();
      return Integer.valueOf(replicas).equals(web.getStatus().getAvailableReplicas())
          && web.getMetadata().getGeneration().equals(web.getStatus().getObservedGeneration());
    });
  }

  String runningPod() {
    for (Pod pod : client.pods().inNamespace(NAMESPACE).withLabel("app", "web").list().getItems())
      if ("Running".equals(pod.getStatus().getPhase()) && pod.getMetadata().getDeletionTimestamp() == null)
        return pod.getMetadata().getName();
    throw new AssertionError("no pod of the Deployment is running");
  }

  static UserInfo whoAmI(KubernetesClient by) {
    return by.resource(new SelfSubjectReviewBuilder().build()).create().getStatus().getUserInfo();
  }

  /** A client of the same server that is known by a token, or not at all. */
  KubernetesClient known(String token) {
    Config mine = client.getConfiguration();
    Config other = new ConfigBuilder(Config.empty()).withMasterUrl(mine.getMasterUrl()).withCaCertData(mine.getCaCertData())
        .withCaCertFile(mine.getCaCertFile()).withOauthToken(token).withRequestRetryBackoffLimit(0).build();
    return new KubernetesClientBuilder().withConfig(other).build();
  }

  void certificate() throws Exception {
    Steps.equal("authenticated", whoAmI(client).getGroups().contains("system:authenticated"), true);
    try (KubernetesClient anonymous = known(null)) {
      Steps.equal("without a certificate", Steps.refusal(() -> anonymous.pods().inNamespace("default").list()), 403);
    }
  }

  void discovery() {
    Steps.equal("the version", client.getKubernetesVersion().getMajor(), "1");
    boolean found = client.getApiResources("apps/v1").getResources().stream()
        .anyMatch(r -> r.getName().equals("deployments") && r.getShortNames().contains("deploy"));
    Steps.equal("deployments by the name deploy", found, true);
    Steps.equal("a kind that is not there", client.supports("nowhere.example/v1", "Nothing"), false);
  }

  void create() throws Exception {
    client.resource(new NamespaceBuilder().withNewMetadata().withName(NAMESPACE).endMetadata().build()).create();
    Deployment web = new DeploymentBuilder().withNewMetadata().withName("web").withNamespace(NAMESPACE).endMetadata()
        .withNewSpec().withReplicas(1).withNewSelector().addToMatchLabels("app", "web").endSelector()
        .withNewTemplate().withNewMetadata().addToLabels("app", "web").endMetadata()
        .withNewSpec().withTerminationGracePeriodSeconds(1L).addNewContainer().withName("web").withImage(IMAGE)
        .withCommand("sh", "-c", PROGRAM).endContainer().endSpec().endTemplate().endSpec().build();
    client.resource(web).create();
    Steps.equal("creating it again", Steps.refusal(() -> client.resource(web).create()), 409);
    available(1);
  }

  void token() throws Exception {
    client.resource(new ServiceAccountBuilder().withNewMetadata().withName("reader").withNamespace(NAMESPACE)
        .endMetadata().build()).create();
    client.resource(new RoleBindingBuilder().withNewMetadata().withName("reader").withNamespace(NAMESPACE).endMetadata()
        .withNewRoleRef().withApiGroup("rbac.authorization.k8s.io").withKind("ClusterRole").withName("view").endRoleRef()
        .addNewSubject().withKind("ServiceAccount").withName("reader").withNamespace(NAMESPACE).endSubject().build()).create();
    String token = client.serviceAccounts().inNamespace(NAMESPACE).withName("reader").tokenRequest(
        new TokenRequestBuilder().withNewSpec().withExpirationSeconds(600L).endSpec().build()).getStatus().getToken();
    try (KubernetesClient reader = known(token); KubernetesClient nobody = known("nonsense")) {
      Steps.equal("the token's user", whoAmI(reader).getUsername(), "system:serviceaccount:" + NAMESPACE + ":reader");
      Steps.eventually("listing pods by token", () -> reader.pods().inNamespace(NAMESPACE).list() != null);
      int refused = Steps.refusal(() -> reader.resource(configMap("refused", "token")).create());
      Steps.equal("creating by token", refused, 403);
      Steps.equal("a token that is none", Steps.refusal(() -> whoAmI(nobody)), 401);
    }
  }

  void watch() throws Exception {
    List<String> seen = new CopyOnWriteArrayList<>();
    Watcher<ConfigMap> watcher = new Watcher<>() {
      @Override
      public void eventReceived(Action action, ConfigMap object) {
        seen.add(action.name());
      }

      @Override
      public void onClose(WatcherException cause) {}
    };
    try (Watch watch = client.configMaps().inNamespace(NAMESPACE).withLabel("step", "watch").watch(watcher)) {
      ConfigMap made = client.resource(configMap("watched", "watch")).create();
      made.setData(Map.of("changed", "yes"));
      client.resource(made).update();
      Steps.equal("updating from an old revision",
          Steps.refusal(() -> client.resource(made).lockResourceVersion(made.getMetadata().getResourceVersion()).update()), 409);
      client.resource(made).delete();
      Steps.eventually("three events", () -> seen.size() >= 3);
    }
    Steps.equal("events", seen, List.of("ADDED", "MODIFIED", "DELETED"));
  }

  ConfigMap apply(String manager, String value, boolean force) {
    ConfigMapBuilder wanted = new ConfigMapBuilder().withNewMetadata().withName("applied").withNamespace(NAMESPACE).endMetadata();
    if (value != null) wanted.addToData("key", value);
    return client.resource(wanted.build()).patch(
        new PatchContext.Builder().withPatchType(PatchType.SERVER_SIDE_APPLY).withFieldManager(manager).withForce(force).build());
  }

  void apply() throws Exception {
    Steps.equal("the manager", apply("first", "one", false).getMetadata().getManagedFields().get(0).getManager(), "first");
    Steps.equal("another's value", Steps.refusal(() -> apply("second", "two", false)), 409);
    Steps.equal("by force", apply("second", "two", true).getData(), Map.of("key", "two"));
    Map<String, String> bare = apply("second", null, false).getData();
    Steps.equal("left out", bare == null || bare.isEmpty(), true);
  }

  Deployment patch(PatchType type, String body) {
    return client.apps().deployments().inNamespace(NAMESPACE).withName("web").patch(PatchContext.of(type), body);
  }

  void jsonPatch() throws Exception {
    Deployment web = patch(PatchType.JSON,
        "[{\"op\":\"add\",\"path\":\"/metadata/annotations/clients.example~1json\",\"value\":\"yes\"}]");
    Steps.equal("the annotation", web.getMetadata().getAnnotations().get("clients.example/json"), "yes");
    Steps.equal("a test that does not hold", Steps.refusal(() -> patch(PatchType.JSON,
        "[{\"op\":\"test\",\"path\":\"/metadata/name\",\"value\":\"other\"}]")), 422);
  }

  void mergePatch() {
    Map<String, String> now = patch(PatchType.JSON_MERGE,
        "{\"metadata\":{\"annotations\":{\"clients.example/json\":null,\"clients.example/merge\":\"yes\"}}}")
        .getMetadata().getAnnotations();
    Steps.equal("gone", now.get("clients.example/json"), null);
    Steps.equal("there", now.get("clients.example/merge"), "yes");
  }

  void strategicPatch() throws Exception {
    Deployment web = patch(PatchType.STRATEGIC_MERGE, "{\"spec\":{\"template\":{\"spec\":{\"containers\":"
        + "[{\"name\":\"web\",\"env\":[{\"name\":\"PATCHED\",\"value\":\"yes\"}]}]}}}}");
    var containers = web.getSpec().getTemplate().getSpec().getContainers();
    Steps.equal("containers", containers.size(), 1);
    Steps.equal("the image", containers.get(0).getImage(), IMAGE);
    available(1);
  }

  void listChunks() {
    for (int i = 0; i < 25; i++) client.resource(configMap(String.format("chunk-%02d", i), "chunks")).create();
    List<Integer> sizes = new ArrayList<>();
    String more = null;
    do {
      var list = client.configMaps().inNamespace(NAMESPACE).list(
          new ListOptionsBuilder().withLabelSelector("step=chunks").withLimit(10L).withContinue(more).build());
      sizes.add(list.getItems().size());
      more = list.getMetadata().getContinue();
    } while (more != null && !more.isEmpty());
    Steps.equal("chunks", sizes, List.of(10, 10, 5));
    client.configMaps().inNamespace(NAMESPACE).withLabel("step", "chunks").delete();
  }

  void scale() throws Exception {
    client.apps().deployments().inNamespace(NAMESPACE).withName("web").scale(2);
    Steps.equal("the scale", client.apps().deployments().inNamespace(NAMESPACE).withName("web").scale().getSpec().getReplicas(), 2);
    available(2);
  }

  void logs() throws Exception {
    String name = runningPod();
    Steps.eventually("the log", () ->
        client.pods().inNamespace(NAMESPACE).withName(name).getLog().contains("hello from " + name));
  }

  void exec() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    try (ExecWatch exec = client.pods().inNamespace(NAMESPACE).withName(runningPod())
        .readingInput(new ByteArrayInputStream("from stdin".getBytes())).writingOutput(out).writingError(err)
        .exec("sh", "-c", "head -c 10; echo to stderr >&2; exit 7")) {
      Steps.equal("the exit code", exec.exitCode().get(30, TimeUnit.SECONDS), 7);
    }
    Steps.equal("streams", List.of(out.toString(), err.toString()), List.of("from stdin", "to stderr\n"));
  }

  void portForward() throws Exception {
    try (LocalPortForward forward = client.pods().inNamespace(NAMESPACE).withName(runningPod()).portForward(8080)) {
      URI page = URI.create("http://127.0.0.1:" + forward.getLocalPort() + "/index.html");
      HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
      String text = http.send(HttpRequest.newBuilder(page).build(), HttpResponse.BodyHandlers.ofString()).body();
      Steps.equal("the page", text, "served\n");
    }
  }

  void evict() throws Exception {
    String name = runningPod();
    Steps.equal("evicted", client.pods().inNamespace(NAMESPACE).withName(name).evict(), true);
    Steps.eventually("the pod gone", () -> client.pods().inNamespace(NAMESPACE).withName(name).get() == null);
    available(2);
  }

  void informers() throws Exception {
    List<String> heard = new CopyOnWriteArrayList<>();
    try (SharedIndexInformer<ConfigMap> informer = client.configMaps().inNamespace(NAMESPACE).withLabel("step", "informers")
        .inform(new ResourceEventHandler<>() {
          @Override
          public void onAdd(ConfigMap object) {
            heard.add("add");
          }

          @Override
          public void onUpdate(ConfigMap before, ConfigMap after) {
            heard.add("update");
          }

          @Override
          public void onDelete(ConfigMap object, boolean unknown) {
            heard.add("delete");
          }
        })) {
      ConfigMap made = client.resource(configMap("informed", "informers")).create();
      made.setData(Map.of("a", "b"));
      client.resource(made).update();
      Steps.eventually("the change in the store", () -> informer.getStore().list().stream()
          .anyMatch(object -> object.getData() != null && "b".equals(object.getData().get("a"))));
      client.resource(made).delete();
      Steps.eventually("three calls", () -> heard.size() >= 3);
    }
    Steps.equal("calls", heard, List.of("add", "update", "delete"));
  }

  void delete() throws Exception {
    client.apps().deployments().inNamespace(NAMESPACE).withName("web")
        .withPropagationPolicy(DeletionPropagation.FOREGROUND).delete();
    Steps.eventually("the Deployment gone", () -> web() == null);
    Steps.equal("pods", client.pods().inNamespace(NAMESPACE).withLabel("app", "web").list().getItems().size(), 0);
    client.namespaces().withName(NAMESPACE).delete();
    Steps.eventually("the namespace gone", () -> client.namespaces().withName(NAMESPACE).get() == null);
  }
}
