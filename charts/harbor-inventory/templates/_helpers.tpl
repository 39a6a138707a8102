{{- define "harbor-inventory.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name that all objects begin with. 40 characters leave room for what follows it. */}}
{{- define "harbor-inventory.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "harbor-inventory.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "harbor-inventory.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "harbor-inventory.selectorLabels" -}}
app.kubernetes.io/name: {{ include "harbor-inventory.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "harbor-inventory.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "harbor-inventory.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "harbor-inventory.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "harbor-inventory.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is required where serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "harbor-inventory.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/*
"true" where metrics are served. Whoever asks for them over HTTPS is looked up at
the API server, which takes a ClusterRole: for named namespaces only on request.
*/}}
{{- define "harbor-inventory.metrics" -}}
{{- if and .Values.metrics.enabled (or (not .Values.namespaces) (not .Values.metrics.secure) .Values.metrics.clusterRole) -}}
true
{{- end }}
{{- end }}

{{/* The rules of a role that make manifests has copied from config/rbac. */}}
{{- define "harbor-inventory.rules" -}}
{{- $role := .root.Files.Get (printf "files/rbac/%s.yaml" .role) | fromYaml -}}
rules:
{{ toYaml $role.rules }}
{{- end }}

{{/* The subject of a binding: the manager. */}}
{{- define "harbor-inventory.subjects" -}}
subjects:
- kind: ServiceAccount
  name: {{ include "harbor-inventory.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
