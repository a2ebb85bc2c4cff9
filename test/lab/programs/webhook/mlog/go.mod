// Stands in for monis.app/mlog v0.0.4, the logger of the webhook: module proxies answer for its go.mod and not for its
// zip. Only what the webhook calls is here, written anew on log/slog; it writes lines of JSON to standard error.
module monis.app/mlog

go 1.26.0

require github.com/go-logr/logr v1.4.3
