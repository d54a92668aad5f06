// Package connect opens the way to the gateway that the environment names.
package connect

import (
	"context"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// Gateway speaks plaintext on this machine only: whoever reads a token may use it.
func Gateway() (*grpc.ClientConn, error) {
	address := os.Getenv("CHATKEY_ADDRESS")
	if address == "" {
		address = "127.0.0.1:50051"
	}
	encryption := credentials.NewTLS(nil)
	host, _, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() {
		encryption = insecure.NewCredentials()
	}
	return grpc.NewClient(address, grpc.WithTransportCredentials(encryption))
}

// WithToken has calls carry the token.
func WithToken(ctx context.Context) (context.Context, error) {
	token := os.Getenv("CHATKEY_TOKEN")
	if path := os.Getenv("CHATKEY_TOKEN_FILE"); path != "" {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		token = strings.TrimSpace(string(content))
	}
	if token == "" {
		return ctx, nil
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), nil
}
