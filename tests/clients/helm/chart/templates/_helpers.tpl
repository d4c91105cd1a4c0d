{{- define "web.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* A Job that a hook runs: it says which. */ -}}
{{- define "web.hook" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .release }}-{{ .hook }}
  annotations:
    helm.sh/hook: {{ .hook }}
    helm.sh/hook-weight: "1"
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers:
        - name: hook
          image: {{ .image }}
          command: [sh, -c, 'echo ran {{ .hook }}']
{{- end }}
