// A judge of tokens that is not the sandbox: main.go. The emulator of Entra that was meant for it
// (calvinchengx/entra-emulator) is not served by module proxies.
module aks-secrets.lab/second-opinion

go 1.26.0

require github.com/coreos/go-oidc/v3 v3.21.0

require (
	github.com/go-jose/go-jose/v4 v4.1.4 // indirect
	golang.org/x/oauth2 v0.36.0 // indirect
)
