{{/* The operator as the API server knows it. */}}
{{- define "duckduckgoose.operatorUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "duckduckgoose.serviceAccountName" . }}
{{- end -}}

{{/*
Who is not looked at: those that the values name, and Kubernetes' own collectors, which delete what
belonged to a cluster or a namespace that is gone.
*/}}
{{- define "duckduckgoose.notTrusted" -}}
- name: not-by-whom-the-installation-trusts
  expression: >-
    !(request.userInfo.username in {{ concat (list "system:kube-controller-manager" "system:serviceaccount:kube-system:generic-garbage-collector" "system:serviceaccount:kube-system:namespace-controller") .Values.admission.trusted.users | toJson }}) &&
    !request.userInfo.groups.exists(group, group in {{ .Values.admission.trusted.groups | toJson }})
{{- end -}}

{{/* The canonical text of a record, which one regular expression reads (docs/safety.md, "The record"). */}}
{{- define "duckduckgoose.recordPattern" -}}
^[{]"format":1,("holder":"[A-Za-z0-9.-]+_[A-Za-z0-9.-]+_[A-Za-z0-9.-]+",)?"term":[0-9]{1,18},"attempt":[0-9]{1,18},"duration":[0-9]{1,18},"hold":[0-9]{1,18},"released":(true|false)[}]$
{{- end -}}

{{/* Where the policies hold: where the operator works. */}}
{{- define "duckduckgoose.admissionScope" -}}
{{- with .Values.watchNamespace -}}
matchResources:
  namespaceSelector:
    matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values: [{{ uniq (list . $.Release.Namespace) | join ", " }}]
{{- end -}}
{{- end -}}
