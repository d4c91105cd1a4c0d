use kube::Client;
#[tokio::main(flavor = "current_thread")]
async fn main() { let c = Client::try_default().await.unwrap(); println!("{:?}", c.apiserver_version().await); }
