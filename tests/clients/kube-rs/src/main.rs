//! The clients' scenario with kube-rs. What the steps mean is said in ../steps.ts.

mod steps;

use std::env;

use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::{
    apps::v1::Deployment,
    authentication::v1::{SelfSubjectReview, TokenRequest, UserInfo},
    core::v1::{ConfigMap, Namespace, Pod, ServiceAccount},
    rbac::v1::RoleBinding,
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{
        AttachParams, DeleteParams, DynamicObject, EvictParams, ListParams, LogParams, Patch, PatchParams, PostParams,
        WatchEvent, WatchParams,
    },
    config::{AuthInfo, KubeConfigOptions, Kubeconfig},
    discovery::Discovery,
    runtime::{WatchStreamExt, reflector, watcher},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use steps::{Outcome, equal, eventually, refusal, step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PROGRAM: &str = "echo hello from $HOSTNAME
mkdir -p /tmp/www && echo served > /tmp/www/index.html
trap 'exit 0' TERM
httpd -f -p 8080 -h /tmp/www & wait";

struct Scenario {
    client: Client,
    config: Config,
    namespace: String,
    image: String,
}

/// An object of a type, from JSON.
fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object of the scenario")
}

fn config_map(name: &str, label: &str) -> ConfigMap {
    from(json!({ "metadata": { "name": name, "labels": { "step": label } } }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let kubeconfig = Kubeconfig::read().expect("KUBECONFIG");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a context");
    let s = Scenario {
        client: Client::try_from(config.clone()).expect("a client"),
        config,
        namespace: env::var("CLIENTS_NAMESPACE").expect("CLIENTS_NAMESPACE"),
        image: env::var("CLIENTS_IMAGE").expect("CLIENTS_IMAGE"),
    };
    let mut passed = step("certificate", s.certificate()).await;
    passed &= step("discovery", s.discovery()).await;
    passed &= step("create", s.create()).await;
    passed &= step("token", s.token()).await;
    passed &= step("watch", s.watch()).await;
    passed &= step("apply", s.apply()).await;
    passed &= step("json-patch", s.json_patch()).await;
    passed &= step("merge-patch", s.merge_patch()).await;
    passed &= step("strategic-patch", s.strategic_patch()).await;
    passed &= step("list-chunks", s.list_chunks()).await;
    passed &= step("scale", s.scale()).await;
    passed &= step("logs", s.logs()).await;
    passed &= step("exec", s.exec()).await;
    passed &= step("port-forward", s.port_forward()).await;
    passed &= step("evict", s.evict()).await;
    passed &= step("dynamic", s.dynamic()).await;
    passed &= step("informers", s.informers()).await;
    passed &= step("delete", s.delete()).await;
    let namespaces: Api<Namespace> = Api::all(s.client.clone());
    let _ = namespaces.delete(&s.namespace, &DeleteParams::default()).await;
    std::process::exit(if passed { 0 } else { 1 });
}

async fn who_am_i(client: Client) -> kube::Result<UserInfo> {
    let reviews: Api<SelfSubjectReview> = Api::all(client);
    let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await?;
    Ok(review.status.and_then(|status| status.user_info).unwrap_or_default())
}

impl Scenario {
    fn maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A client of the same server that is known by a token, or not at all.
    fn known(&self, token: Option<String>) -> kube::Result<Client> {
        let auth_info = AuthInfo { token: token.map(Into::into), ..AuthInfo::default() };
        let mut config = self.config.clone();
        config.auth_info = auth_info;
        Client::try_from(config)
    }

    async fn available(&self, replicas: i32) {
        let deployments = self.deployments();
        eventually(|| async {
            let Ok(web) = deployments.get("web").await else { return false };
            let generation = web.metadata.generation;
            web.status.is_some_and(|s| s.available_replicas == Some(replicas) && s.observed_generation == generation)
        })
        .await;
    }

    async fn running_pod(&self) -> Result<String, Box<dyn std::error::Error>> {
        let pods = self.pods().list(&ListParams::default().labels("app=web").fields("status.phase=Running")).await?;
        let pod = pods.items.iter().find(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(pod.ok_or("no pod of the Deployment is running")?.name_any())
    }

    async fn certificate(&self) -> Outcome {
        let user = who_am_i(self.client.clone()).await?;
        equal("authenticated", user.groups.unwrap_or_default().iter().any(|g| g == "system:authenticated"), true)?;
        let pods: Api<Pod> = Api::namespaced(self.known(None)?, "default");
        equal("without a certificate", refusal(pods.list(&ListParams::default()).await), 403)
    }

    async fn discovery(&self) -> Outcome {
        equal("the version", self.client.apiserver_version().await?.major.as_str(), "1")?;
        let found = Discovery::new(self.client.clone()).filter(&["apps"]).run().await?;
        let group = found.get("apps").ok_or("no group apps")?;
        let (resource, capabilities) = group.recommended_kind("Deployment").ok_or("no Deployment")?;
        equal("its plural", resource.plural.as_str(), "deployments")?;
        equal("scale", capabilities.subresources.iter().any(|(r, _)| r.plural == "scale"), true)
    }

    async fn create(&self) -> Outcome {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace = from(json!({ "metadata": { "name": self.namespace } }));
        namespaces.create(&PostParams::default(), &namespace).await?;
        let labels = json!({ "app": "web" });
        let container = json!({ "name": "web", "image": self.image, "command": ["sh", "-c", PROGRAM] });
        let web: Deployment = from(json!({
            "metadata": { "name": "web" },
            "spec": {
                "replicas": 1,
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "terminationGracePeriodSeconds": 1, "containers": [container] },
                },
            },
        }));
        self.deployments().create(&PostParams::default(), &web).await?;
        let again = self.deployments().create(&PostParams::default(), &web).await;
        equal("creating it again", refusal(again), 409)?;
        self.available(1).await;
        Ok(())
    }

    async fn token(&self) -> Outcome {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        accounts.create(&PostParams::default(), &from(json!({ "metadata": { "name": "reader" } }))).await?;
        let bindings: Api<RoleBinding> = Api::namespaced(self.client.clone(), &self.namespace);
        let binding = from(json!({
            "metadata": { "name": "reader" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": self.namespace }],
        }));
        bindings.create(&PostParams::default(), &binding).await?;
        let request: TokenRequest = from(json!({
            "metadata": {}, "spec": { "audiences": [], "expirationSeconds": 600 },
        }));
        let answer = accounts.create_token_request("reader", &PostParams::default(), &request).await?;
        let reader = self.known(answer.status.ok_or("no status")?.token)?;
        let name = who_am_i(reader.clone()).await?.username.unwrap_or_default();
        equal("the token's user", name, format!("system:serviceaccount:{}:reader", self.namespace))?;
        let pods: Api<Pod> = Api::namespaced(reader.clone(), &self.namespace);
        eventually(|| async { pods.list(&ListParams::default()).await.is_ok() }).await;
        let maps: Api<ConfigMap> = Api::namespaced(reader, &self.namespace);
        let refused = maps.create(&PostParams::default(), &config_map("refused", "token")).await;
        equal("creating by token", refusal(refused), 403)?;
        equal("a token that is none", refusal(who_am_i(self.known(Some("nonsense".into()))?).await), 401)
    }

    async fn watch(&self) -> Outcome {
        let maps = self.maps();
        let revision = maps.list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
        let mut made = maps.create(&PostParams::default(), &config_map("watched", "watch")).await?;
        made.data = Some([("changed".to_string(), "yes".to_string())].into());
        maps.replace("watched", &PostParams::default(), &made).await?;
        let stale = maps.replace("watched", &PostParams::default(), &made).await;
        equal("updating from an old revision", refusal(stale), 409)?;
        maps.delete("watched", &DeleteParams::default()).await?;
        let mut events = maps.watch(&WatchParams::default().labels("step=watch"), &revision).await?.boxed();
        let mut seen = Vec::new();
        while seen.len() < 3 {
            match events.try_next().await?.ok_or("the watch ended")? {
                WatchEvent::Added(_) => seen.push("ADDED"),
                WatchEvent::Modified(_) => seen.push("MODIFIED"),
                WatchEvent::Deleted(_) => seen.push("DELETED"),
                WatchEvent::Error(status) => return Err(format!("the watch says {status:?}").into()),
                WatchEvent::Bookmark(_) => {}
            }
        }
        equal("events", seen, vec!["ADDED", "MODIFIED", "DELETED"])
    }

    async fn apply(&self) -> Outcome {
        let apply = |manager: &str, data: Value| {
            let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "applied" }, "data": data });
            (PatchParams::apply(manager), Patch::Apply(object))
        };
        let (params, patch) = apply("first", json!({ "key": "one" }));
        let first = self.maps().patch("applied", &params, &patch).await?;
        let managers: Vec<_> = first.managed_fields().iter().filter_map(|f| f.manager.as_deref()).collect();
        equal("managers", managers, vec!["first"])?;
        let (params, patch) = apply("second", json!({ "key": "two" }));
        equal("another's value", refusal(self.maps().patch("applied", &params, &patch).await), 409)?;
        let second = self.maps().patch("applied", &params.force(), &patch).await?;
        equal("by force", second.data.and_then(|d| d.get("key").cloned()), Some("two".into()))?;
        let (params, patch) = apply("second", json!({}));
        let bare = self.maps().patch("applied", &params, &patch).await?;
        equal("left out", bare.data.unwrap_or_default().len(), 0)
    }

    async fn patch(&self, patch: Patch<Value>) -> kube::Result<Deployment> {
        self.deployments().patch("web", &PatchParams::default(), &patch).await
    }

    async fn json_patch(&self) -> Outcome {
        let json = |value: Value| Patch::Json::<Value>(from(value));
        let add = json!([{ "op": "add", "path": "/metadata/annotations/clients.example~1json", "value": "yes" }]);
        let web = self.patch(json(add)).await?;
        equal("the annotation", web.annotations().get("clients.example/json").cloned(), Some("yes".into()))?;
        let test = json!([{ "op": "test", "path": "/metadata/name", "value": "other" }]);
        equal("a test that does not hold", refusal(self.patch(json(test)).await), 422)
    }

    async fn merge_patch(&self) -> Outcome {
        let annotations = json!({ "clients.example/json": null, "clients.example/merge": "yes" });
        let web = self.patch(Patch::Merge(json!({ "metadata": { "annotations": annotations } }))).await?;
        equal("gone", web.annotations().get("clients.example/json"), None)?;
        equal("there", web.annotations().get("clients.example/merge").cloned(), Some("yes".into()))
    }

    async fn strategic_patch(&self) -> Outcome {
        let containers = json!([{ "name": "web", "env": [{ "name": "PATCHED", "value": "yes" }] }]);
        let patch = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
        let web = self.patch(Patch::Strategic(patch)).await?;
        let containers = web.spec.and_then(|s| s.template.spec).map(|s| s.containers).unwrap_or_default();
        equal("containers", containers.len(), 1)?;
        equal("the image", containers[0].image.as_deref(), Some(self.image.as_str()))?;
        self.available(1).await;
        Ok(())
    }

    async fn list_chunks(&self) -> Outcome {
        for i in 0..25 {
            self.maps().create(&PostParams::default(), &config_map(&format!("chunk-{i:02}"), "chunks")).await?;
        }
        let mut sizes = Vec::new();
        let mut params = ListParams::default().labels("step=chunks").limit(10);
        loop {
            let list = self.maps().list(&params).await?;
            sizes.push(list.items.len());
            match list.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => break,
            }
        }
        equal("chunks", sizes, vec![10, 10, 5])?;
        let all = ListParams::default().labels("step=chunks");
        self.maps().delete_collection(&DeleteParams::default(), &all).await?;
        Ok(())
    }

    async fn scale(&self) -> Outcome {
        let scale = self.deployments().get_scale("web").await?;
        equal("the scale", scale.spec.and_then(|s| s.replicas), Some(1))?;
        let patch = Patch::Merge(json!({ "spec": { "replicas": 2 } }));
        self.deployments().patch_scale("web", &PatchParams::default(), &patch).await?;
        self.available(2).await;
        Ok(())
    }

    async fn logs(&self) -> Outcome {
        let name = self.running_pod().await?;
        let params = LogParams { follow: true, ..LogParams::default() };
        let mut lines = self.pods().log_stream(&name, &params).await?.lines();
        let first = lines.try_next().await?.unwrap_or_default();
        equal("the first line", first, format!("hello from {name}"))
    }

    async fn exec(&self) -> Outcome {
        let command = ["sh", "-c", "cat; echo to stderr >&2; exit 7"];
        let params = AttachParams::default().stdin(true).stdout(true).stderr(true);
        let mut process = self.pods().exec(&self.running_pod().await?, command, &params).await?;
        let mut stdin = process.stdin().ok_or("no stdin")?;
        let status = process.take_status().ok_or("no status")?;
        let (mut stdout, mut stderr) = (process.stdout().ok_or("no stdout")?, process.stderr().ok_or("no stderr")?);
        stdin.write_all(b"from stdin").await?;
        stdin.shutdown().await?;
        drop(stdin);
        let (mut out, mut err) = (String::new(), String::new());
        tokio::try_join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err))?;
        equal("streams", (out.as_str(), err.as_str()), ("from stdin", "to stderr\n"))?;
        let causes = status.await.and_then(|s| s.details).and_then(|d| d.causes).unwrap_or_default();
        equal("the exit code", causes.first().and_then(|c| c.message.clone()), Some("7".into()))
    }

    async fn port_forward(&self) -> Outcome {
        let mut forward = self.pods().portforward(&self.running_pod().await?, &[8080]).await?;
        let mut stream = forward.take_stream(8080).ok_or("no stream")?;
        stream.write_all(b"GET /index.html HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        equal("the page", answer.ends_with("\r\n\r\nserved\n"), true)
    }

    async fn evict(&self) -> Outcome {
        let name = self.running_pod().await?;
        self.pods().evict(&name, &EvictParams::default()).await?;
        let pods = self.pods();
        eventually(|| async { refusal(pods.get(&name).await) == 404 }).await;
        self.available(2).await;
        Ok(())
    }

    async fn dynamic(&self) -> Outcome {
        let (resource, _) = kube::discovery::pinned_kind(
            &self.client,
            &kube::api::GroupVersionKind::gvk("", "v1", "ConfigMap"),
        )
        .await?;
        let maps: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let object = DynamicObject::new("dynamic", &resource).data(json!({ "data": { "a": "b" } }));
        maps.create(&PostParams::default(), &object).await?;
        equal("data", maps.get("dynamic").await?.data["data"]["a"].as_str(), Some("b"))?;
        let partial = maps.get_metadata("dynamic").await?;
        equal("metadata alone", partial.name_any().as_str(), "dynamic")?;
        maps.delete("dynamic", &DeleteParams::default()).await?;
        Ok(())
    }

    /// A reflector by the streaming list, and one by list and watch: both see an object come and go.
    async fn informers(&self) -> Outcome {
        for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
            let (reader, writer) = reflector::store();
            let events = watcher(self.maps(), config).default_backoff().reflect(writer).applied_objects();
            let follows = tokio::spawn(events.for_each(|_| async {}));
            reader.wait_until_ready().await?;
            self.maps().create(&PostParams::default(), &config_map("informed", "informers")).await?;
            let key = reflector::ObjectRef::new("informed").within(&self.namespace);
            eventually(|| async { reader.get(&key).is_some() }).await;
            self.maps().delete("informed", &DeleteParams::default()).await?;
            eventually(|| async { reader.get(&key).is_none() }).await;
            follows.abort();
        }
        Ok(())
    }

    async fn delete(&self) -> Outcome {
        self.deployments().delete("web", &DeleteParams::foreground()).await?;
        let deployments = self.deployments();
        eventually(|| async { refusal(deployments.get("web").await) == 404 }).await;
        equal("pods", self.pods().list(&ListParams::default().labels("app=web")).await?.items.len(), 0)?;
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces.delete(&self.namespace, &DeleteParams::default()).await?;
        eventually(|| async { refusal(namespaces.get(&self.namespace).await) == 404 }).await;
        Ok(())
    }
}
