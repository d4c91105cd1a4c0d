/** What the pods of every client run: a word to the log, a page on port 8080, and an end at once when asked. */
const program = `echo hello from $HOSTNAME
mkdir -p /tmp/www && echo served > /tmp/www/index.html
trap 'exit 0' TERM
httpd -f -p 8080 -h /tmp/www & wait`;

/** The Deployment of the scenario. */
export function webDeployment(image: string, replicas = 1, name = 'web') {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            { name: 'web', image, command: ['sh', '-c', program], ports: [{ name: 'http', containerPort: 8080 }] },
          ],
        },
      },
    },
  };
}
