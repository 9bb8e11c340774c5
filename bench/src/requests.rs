//! What the API server has counted of requests for Leases.

use anyhow::Result;
use http::Request;
use kube::Client;

/// Requests for Leases since the API server started. Watches count when they end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Requests {
    /// All of them.
    pub all: f64,
    /// Those that were to change something, also those that were refused.
    pub writes: f64,
}

impl Requests {
    /// Until now.
    ///
    /// # Errors
    /// Where the API server does not tell.
    pub async fn so_far(client: &Client) -> Result<Self> {
        let question = Request::get("/metrics").body(Vec::new())?;
        Ok(Self::read(&client.request_text(question).await?))
    }

    /// Those that came after `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self { all: self.all - earlier.all, writes: self.writes - earlier.writes }
    }

    fn read(metrics: &str) -> Self {
        let mut requests = Self::default();
        let lines =
            metrics.lines().filter_map(|line| line.strip_prefix("apiserver_request_total{"));
        for line in lines.filter(|line| line.contains("resource=\"leases\"")) {
            let count = line.rsplit(' ').next().and_then(|count| count.parse::<f64>().ok());
            let count = count.unwrap_or_default();
            requests.all += count;
            if WRITES.iter().any(|verb| line.contains(&format!("verb=\"{verb}\""))) {
                requests.writes += count;
            }
        }
        requests
    }
}

/// As the API server names them.
const WRITES: [&str; 5] = ["APPLY", "DELETE", "PATCH", "POST", "PUT"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_for_leases_are_counted_and_writes_apart() {
        let metrics = "\
# TYPE apiserver_request_total counter
apiserver_request_total{code=\"200\",resource=\"leases\",verb=\"GET\"} 40
apiserver_request_total{code=\"200\",resource=\"leases\",verb=\"PUT\"} 7
apiserver_request_total{code=\"409\",resource=\"leases\",verb=\"PATCH\"} 2
apiserver_request_total{code=\"200\",resource=\"pods\",verb=\"PUT\"} 1000
";
        assert_eq!(Requests::read(metrics), Requests { all: 49.0, writes: 9.0 });
    }
}
