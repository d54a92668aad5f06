package example;

import chatkey.v1.Message;
import chatkey.v1.MessagingGatewayGrpc;
import chatkey.v1.MessagingGatewayGrpc.MessagingGatewayBlockingStub;
import chatkey.v1.SendMessageRequest;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.ClientInterceptor;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** Sends one message to the chat that a token opens: {@code java -jar chatkey-example.jar CHAT_ID TEXT [REQUEST_ID]}. */
public final class Send {
  private static final long DEADLINE_SECONDS = 30;
  private static final String DOMAIN = "chatkey.v1";
  private static final Metadata.Key<String> ERROR_ID =
      Metadata.Key.of("chatkey-error-id", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private Send() {}

  /** Prints the message's id and state; on a refusal prints code, reason and error id and ends with exit code 1. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 2 || arguments.length > 3) {
      System.err.println("usage: java -jar chatkey-example.jar CHAT_ID TEXT [REQUEST_ID]");
      System.exit(2);
    }
    var request =
        SendMessageRequest.newBuilder()
            .setChatId(Long.parseLong(arguments[0]))
            .setText(arguments[1])
            // The same name in every repeat, so that a repeat is never a second message.
            .setRequestId(arguments.length == 3 ? arguments[2] : UUID.randomUUID().toString())
            .build();
    var channel = connect(System.getenv().getOrDefault("CHATKEY_ADDRESS", "127.0.0.1:50051"));
    try {
      var gateway = MessagingGatewayGrpc.newBlockingStub(channel).withInterceptors(authorization(token()));
      var message = send(gateway.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS), request);
      System.out.println(message.getId() + " " + message.getState().name().replaceFirst("^STATE_", ""));
    } catch (StatusRuntimeException refused) {
      System.err.println(describe(refused));
      System.exit(1);
    } finally {
      channel.shutdownNow();
    }
  }

  private static Message send(MessagingGatewayBlockingStub gateway, SendMessageRequest request)
      throws InterruptedException {
    for (long pause = 100; ; pause = Math.min(2 * pause, 2000)) {
      try {
        return gateway.sendMessage(request).getMessage();
      } catch (StatusRuntimeException failed) {
        // TELEGRAM_FAILED is UNAVAILABLE too, but that message is final.
        if (failed.getStatus().getCode() != Status.Code.UNAVAILABLE || reason(failed).equals("TELEGRAM_FAILED")) {
          throw failed;
        }
      }
      // Past the deadline the call itself ends in DEADLINE_EXCEEDED.
      Thread.sleep(ThreadLocalRandom.current().nextLong(pause) + 1);
    }
  }

  /** Plaintext only on this machine: whoever reads a token may use it. */
  static ManagedChannel connect(String address) {
    var isLocal = address.matches("(localhost|127\\.0\\.0\\.1|\\[::1\\]):\\d+");
    var credentials = isLocal ? InsecureChannelCredentials.create() : TlsChannelCredentials.create();
    return Grpc.newChannelBuilder(address, credentials).build();
  }

  static ClientInterceptor authorization(String token) {
    var metadata = new Metadata();
    if (!token.isEmpty()) {
      metadata.put(AUTHORIZATION, "Bearer " + token);
    }
    return MetadataUtils.newAttachHeadersInterceptor(metadata);
  }

  static String token() throws IOException {
    var file = System.getenv("CHATKEY_TOKEN_FILE");
    return file == null ? System.getenv().getOrDefault("CHATKEY_TOKEN", "") : Files.readString(Path.of(file)).strip();
  }

  private static String describe(StatusRuntimeException refused) {
    var trailers = refused.getTrailers();
    var errorId = trailers == null ? null : trailers.get(ERROR_ID);
    return String.join(" ", refused.getStatus().getCode().name(), reason(refused), errorId == null ? "-" : errorId);
  }

  /** Reads the reason out of the trailer {@code grpc-status-details-bin}; "-" if there is none of Chatkey's. */
  private static String reason(StatusRuntimeException refused) {
    var status = StatusProto.fromThrowable(refused);
    for (Any detail : status.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        try {
          var info = detail.unpack(ErrorInfo.class);
          return info.getDomain().equals(DOMAIN) ? info.getReason() : "-";
        } catch (InvalidProtocolBufferException malformed) {
          return "-";
        }
      }
    }
    return "-";
  }
}
