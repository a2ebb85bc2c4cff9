// Stands in for monis.app/mlog v0.0.2, which sets klog up for the driver: module proxies answer for its go.mod and not
// for its zip. Only what the driver calls is here, written anew; klog writes text, as its own flags ask.
module monis.app/mlog

go 1.25.9

require k8s.io/klog/v2 v2.120.1

require github.com/go-logr/logr v1.4.1 // indirect
