// Send sends one message to the chat that a token opens: send CHAT_ID TEXT [REQUEST_ID].
//
// It prints the message's id and state; on a refusal it prints code, reason and error id and ends with exit code 1.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	chatkey "example.com/chatkey/client/generated/chatkey/v1"
)

const (
	deadline = 30 * time.Second
	domain   = "chatkey.v1"
)

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fail(2, "usage: send CHAT_ID TEXT [REQUEST_ID]")
	}
	chatID, err := strconv.ParseInt(os.Args[1], 10, 64)
	if err != nil {
		fail(2, "CHAT_ID is not a whole number")
	}
	// The same name in every repeat, so that a repeat is never a second message.
	requestID := rand.Text()
	if len(os.Args) == 4 {
		requestID = os.Args[3]
	}
	token, err := readToken()
	if err != nil {
		fail(2, err.Error())
	}
	channel, err := connect(setting("CHATKEY_ADDRESS", "127.0.0.1:50051"))
	if err != nil {
		fail(2, err.Error())
	}
	defer channel.Close()

	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	request := &chatkey.SendMessageRequest{ChatId: &chatID, Text: os.Args[2], RequestId: requestID}
	var trailer metadata.MD
	message, err := send(ctx, chatkey.NewMessagingGatewayClient(channel), request, &trailer)
	if err != nil {
		fail(1, describe(err, trailer))
	}
	fmt.Println(message.GetId(), strings.TrimPrefix(message.GetState().String(), "STATE_"))
}

// send repeats the same request on UNAVAILABLE until the deadline.
func send(ctx context.Context, gateway chatkey.MessagingGatewayClient, request *chatkey.SendMessageRequest, trailer *metadata.MD) (*chatkey.Message, error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		answer, err := gateway.SendMessage(ctx, request, grpc.Trailer(trailer))
		// TELEGRAM_FAILED is UNAVAILABLE too, but that message is final.
		if status.Code(err) != codes.Unavailable || reason(err) == "TELEGRAM_FAILED" {
			return answer.GetMessage(), err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(mathrand.N(pause)):
		}
	}
}

// connect speaks plaintext on this machine only: whoever reads a token may use it.
func connect(address string) (*grpc.ClientConn, error) {
	encryption := credentials.NewTLS(nil)
	host, _, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() {
		encryption = insecure.NewCredentials()
	}
	return grpc.NewClient(address, grpc.WithTransportCredentials(encryption))
}

func readToken() (string, error) {
	path := os.Getenv("CHATKEY_TOKEN_FILE")
	if path == "" {
		return os.Getenv("CHATKEY_TOKEN"), nil
	}
	token, err := os.ReadFile(path)
	return strings.TrimSpace(string(token)), err
}

func describe(err error, trailer metadata.MD) string {
	errorID := "-"
	if ids := trailer.Get("chatkey-error-id"); len(ids) > 0 {
		errorID = ids[0]
	}
	// The numbers of gRPC's codes are those of google.rpc.Code, which has the names that the contract uses.
	return fmt.Sprintln(code.Code(status.Code(err)), reason(err), errorID)
}

// reason reads the trailer grpc-status-details-bin; "-" if there is no reason of Chatkey's in it.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return info.GetReason()
		}
	}
	return "-"
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func fail(code int, text string) {
	fmt.Fprintln(os.Stderr, strings.TrimSpace(text))
	os.Exit(code)
}
