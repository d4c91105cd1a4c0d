"""The clients' scenario with the Python client. What the steps mean is said in ../steps.ts."""

import os
import sys
import threading
import time

from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes.stream import portforward, stream

NAMESPACE = os.environ["CLIENTS_NAMESPACE"]
IMAGE = os.environ["CLIENTS_IMAGE"]
PROGRAM = """echo hello from $HOSTNAME
mkdir -p /tmp/www && echo served > /tmp/www/index.html
trap 'exit 0' TERM
httpd -f -p 8080 -h /tmp/www & wait"""

config.load_kube_config(os.environ["KUBECONFIG"])
core = client.CoreV1Api()
apps = client.AppsV1Api()
failed = False


def step(name):
    """Runs the function at once and prints its line."""

    def run(work):
        global failed
        try:
            work()
            print(f"{name}\tok\t", flush=True)
        except Exception as error:  # every step is tried
            failed = True
            words = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"{name}\tfailed\t{words}", flush=True)

    return run


def equal(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, want {wanted!r}")


def eventually(what, check, seconds=60):
    end = time.monotonic() + seconds
    last = "it did not hold"
    while time.monotonic() < end:
        try:
            if check():
                return
        except ApiException as error:
            last = f"{error.status} {error.reason}"
        time.sleep(0.2)
    raise AssertionError(f"{what}: {last}")


def refusal(call):
    """The status that a request is refused with."""
    try:
        call()
    except ApiException as error:
        return error.status
    return "no refusal"


def known(token=None):
    """A client of the same server that is known by a token, or not at all."""
    mine = core.api_client.configuration
    other = client.Configuration()
    other.host, other.ssl_ca_cert = mine.host, mine.ssl_ca_cert
    if token:
        other.api_key = {"authorization": f"Bearer {token}"}
    return client.ApiClient(other)


def who_am_i(by=None):
    return client.AuthenticationV1Api(by).create_self_subject_review({}).status.user_info


def available(replicas):
    def check():
        web = apps.read_namespaced_deployment("web", NAMESPACE)
        return web.status.available_replicas == replicas and web.status.observed_generation == web.metadata.generation

    eventually(f"{replicas} available replicas", check)


def running_pod():
    for pod in core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items:
        if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp:
            return pod.metadata.name
    raise AssertionError("no pod of the Deployment is running")


def config_map(name, data=None, labels=None):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data=data)


@step("certificate")
def _():
    if "system:authenticated" not in who_am_i().groups:
        raise AssertionError("the certificate's user is not authenticated")
    anonymous = client.CoreV1Api(known())
    equal("without a certificate", refusal(lambda: anonymous.list_namespaced_pod("default")), 403)


@step("discovery")
def _():
    names = [group.name for group in client.ApisApi().get_api_versions().groups]
    equal("the group apps", "apps" in names, True)
    found = [r for r in apps.get_api_resources().resources if r.name == "deployments"]
    equal("short names", found[0].short_names, ["deploy"])
    equal("the version", client.VersionApi().get_code().major, "1")


@step("create")
def _():
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    labels = {"app": "web"}
    container = client.V1Container(name="web", image=IMAGE, command=["sh", "-c", PROGRAM])
    web = client.V1Deployment(
        metadata=client.V1ObjectMeta(name="web"),
        spec=client.V1DeploymentSpec(
            replicas=1,
            selector=client.V1LabelSelector(match_labels=labels),
            template=client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels),
                spec=client.V1PodSpec(termination_grace_period_seconds=1, containers=[container]),
            ),
        ),
    )
    apps.create_namespaced_deployment(NAMESPACE, web)
    equal("creating it again", refusal(lambda: apps.create_namespaced_deployment(NAMESPACE, web)), 409)
    available(1)


@step("token")
def _():
    core.create_namespaced_service_account(
        NAMESPACE, client.V1ServiceAccount(metadata=client.V1ObjectMeta(name="reader"))
    )
    client.RbacAuthorizationV1Api().create_namespaced_role_binding(
        NAMESPACE,
        client.V1RoleBinding(
            metadata=client.V1ObjectMeta(name="reader"),
            role_ref=client.V1RoleRef(api_group="rbac.authorization.k8s.io", kind="ClusterRole", name="view"),
            subjects=[client.RbacV1Subject(kind="ServiceAccount", name="reader", namespace=NAMESPACE)],
        ),
    )
    request = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=600)
    )
    token = core.create_namespaced_service_account_token("reader", NAMESPACE, request).status.token
    reader = known(token)
    equal("the token's user", who_am_i(reader).username, f"system:serviceaccount:{NAMESPACE}:reader")
    pods = client.CoreV1Api(reader)
    eventually("listing pods by token", lambda: pods.list_namespaced_pod(NAMESPACE))
    refused = config_map("refused")
    equal("creating by token", refusal(lambda: pods.create_namespaced_config_map(NAMESPACE, refused)), 403)
    equal("a token that is none", refusal(lambda: who_am_i(known("nonsense"))), 401)


@step("watch")
def _():
    revision = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    made = core.create_namespaced_config_map(NAMESPACE, config_map("watched", labels={"step": "watch"}))
    made.data = {"changed": "yes"}
    core.replace_namespaced_config_map("watched", NAMESPACE, made)
    stale = refusal(lambda: core.replace_namespaced_config_map("watched", NAMESPACE, made))
    equal("updating from an old revision", stale, 409)
    core.delete_namespaced_config_map("watched", NAMESPACE)
    events = watch.Watch().stream(
        core.list_namespaced_config_map,
        NAMESPACE,
        label_selector="step=watch",
        resource_version=revision,
        timeout_seconds=3,
    )
    equal("events", [event["type"] for event in events], ["ADDED", "MODIFIED", "DELETED"])


@step("apply")
def _():
    resource = dynamic.DynamicClient(core.api_client).resources.get(api_version="v1", kind="ConfigMap")

    def apply(manager, data, force=False):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}}
        if data:
            body["data"] = data
        return resource.server_side_apply(
            body=body, name="applied", namespace=NAMESPACE, field_manager=manager, force_conflicts=force or None
        )

    first = apply("first", {"key": "one"})
    equal("managers", [f.manager for f in first.metadata.managedFields], ["first"])
    equal("another's value", refusal(lambda: apply("second", {"key": "two"})), 409)
    equal("by force", apply("second", {"key": "two"}, force=True).data.key, "two")
    equal("left out", apply("second", None).data, None)


def patch_web(body):
    return apps.patch_namespaced_deployment("web", NAMESPACE, body)


@step("json-patch")
def _():
    # A list is a JSON patch to this client, a map a strategic one.
    web = patch_web([{"op": "add", "path": "/metadata/annotations/clients.example~1json", "value": "yes"}])
    equal("the annotation", web.metadata.annotations["clients.example/json"], "yes")
    test = [{"op": "test", "path": "/metadata/name", "value": "other"}]
    equal("a test that does not hold", refusal(lambda: patch_web(test)), 422)


@step("merge-patch")
def _():
    resource = dynamic.DynamicClient(core.api_client).resources.get(api_version="apps/v1", kind="Deployment")
    web = resource.patch(
        name="web",
        namespace=NAMESPACE,
        content_type="application/merge-patch+json",
        body={"metadata": {"annotations": {"clients.example/json": None, "clients.example/merge": "yes"}}},
    )
    now = dict(web.metadata.annotations)
    equal("annotations", (now.get("clients.example/json"), now.get("clients.example/merge")), (None, "yes"))


@step("strategic-patch")
def _():
    containers = [{"name": "web", "env": [{"name": "PATCHED", "value": "yes"}]}]
    web = patch_web({"spec": {"template": {"spec": {"containers": containers}}}})
    (container,) = web.spec.template.spec.containers
    equal("the container", (container.image, len(container.env)), (IMAGE, 1))
    available(1)


@step("list-chunks")
def _():
    for i in range(25):
        core.create_namespaced_config_map(NAMESPACE, config_map(f"chunk-{i:02}", labels={"step": "chunks"}))
    sizes, revisions, more = [], set(), None
    while True:
        listed = core.list_namespaced_config_map(NAMESPACE, label_selector="step=chunks", limit=10, _continue=more)
        sizes.append(len(listed.items))
        revisions.add(listed.metadata.resource_version)
        more = listed.metadata._continue
        if not more:
            break
    equal("chunks", (sizes, len(revisions)), ([10, 10, 5], 1))
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="step=chunks")


@step("scale")
def _():
    scale = apps.read_namespaced_deployment_scale("web", NAMESPACE)
    equal("the scale", (scale.spec.replicas, scale.status.selector), (1, "app=web"))
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 2}})
    available(2)


@step("logs")
def _():
    name = running_pod()
    eventually("the log", lambda: f"hello from {name}" in core.read_namespaced_pod_log(name, NAMESPACE))
    for line in watch.Watch().stream(core.read_namespaced_pod_log, name, NAMESPACE):
        equal("the first line followed", line, f"hello from {name}")
        break


@step("exec")
def _():
    shell = stream(
        core.connect_get_namespaced_pod_exec,
        running_pod(),
        NAMESPACE,
        command=["sh", "-c", "head -c 10; echo to stderr >&2; exit 7"],
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    shell.write_stdin("from stdin")
    shell.run_forever(timeout=20)
    streams = (shell.read_stdout(), shell.read_stderr(), shell.returncode)
    equal("streams and exit code", streams, ("from stdin", "to stderr\n", 7))


@step("port-forward")
def _():
    forward = portforward(core.connect_get_namespaced_pod_portforward, running_pod(), NAMESPACE, ports="8080")
    socket = forward.socket(8080)
    socket.setblocking(True)
    socket.settimeout(20)
    socket.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
    answer = b""
    while data := socket.recv(4096):
        answer += data
    socket.close()
    equal("the port's error", forward.error(8080), None)
    equal("the page", answer.split(b"\r\n\r\n", 1)[-1], b"served\n")


@step("evict")
def _():
    name = running_pod()
    core.create_namespaced_pod_eviction(
        name, NAMESPACE, client.V1Eviction(metadata=client.V1ObjectMeta(name=name, namespace=NAMESPACE))
    )
    eventually("the pod gone", lambda: refusal(lambda: core.read_namespaced_pod(name, NAMESPACE)) == 404)
    available(2)


@step("dynamic")
def _():
    resource = dynamic.DynamicClient(core.api_client).resources.get(api_version="v1", kind="ConfigMap")
    resource.create({"metadata": {"name": "dynamic"}, "data": {"a": "b"}}, namespace=NAMESPACE)
    equal("data", resource.get("dynamic", NAMESPACE).data.a, "b")
    resource.delete("dynamic", NAMESPACE)


@step("leader-election")
def _():
    led = threading.Event()
    candidate = electionconfig.Config(
        ConfigMapLock("election", NAMESPACE, "first"),
        lease_duration=4,
        renew_deadline=3,
        retry_period=1,
        onstarted_leading=led.set,
        onstopped_leading=lambda: None,
    )
    threading.Thread(target=leaderelection.LeaderElection(candidate).run, daemon=True).start()
    equal("leading", led.wait(20), True)
    held = core.read_namespaced_config_map("election", NAMESPACE).metadata.annotations
    equal("the holder", '"first"' in held["control-plane.alpha.kubernetes.io/leader"], True)


@step("delete")
def _():
    apps.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")
    gone = lambda: refusal(lambda: apps.read_namespaced_deployment("web", NAMESPACE)) == 404
    eventually("the Deployment gone", gone)
    equal("pods", core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items, [])
    core.delete_namespace(NAMESPACE)
    eventually("the namespace gone", lambda: refusal(lambda: core.read_namespace(NAMESPACE)) == 404)


refusal(lambda: core.delete_namespace(NAMESPACE))
sys.stdout.flush()
os._exit(1 if failed else 0)
