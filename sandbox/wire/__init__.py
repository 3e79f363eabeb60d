"""What crosses the network: models of requests and replies, and the clients that speak them."""
