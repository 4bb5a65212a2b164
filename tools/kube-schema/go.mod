module kube-schema

go 1.24
