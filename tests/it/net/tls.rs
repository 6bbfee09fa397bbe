//! TLS by `futures-rustls` over the sockets of this crate: nothing of it knows the other.
//!
//! `tls.pem` is a certificate for `localhost`, signed by itself, and its key. They protect nothing.

use std::io;
use std::sync::Arc;

use futures::io::AsyncReadExt as _;
use futures_rustls::pki_types::pem::PemObject as _;
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use futures_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use futures_rustls::{TlsAcceptor, TlsConnector};
use greenroom::io::{Reader, Writer};
use greenroom::net::{Connection, ServerOptions, TcpListener, TcpStream, serve};

use super::{ANY, pattern, run};
use crate::harness::secs;

const PEM: &[u8] = include_bytes!("tls.pem");

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(PEM).expect("it begins with a certificate")
}

fn acceptor() -> TlsAcceptor {
    let key = PrivateKeyDer::from_pem_slice(PEM).expect("its key follows");
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate()], key).expect("they belong together");
    TlsAcceptor::from(Arc::new(config))
}

fn connector(trusts: bool) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    if trusts {
        roots.add(certificate()).expect("it is a certificate");
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[test]
fn lines_and_bulk_go_over_tls_and_end_in_order() {
    run(async {
        let acceptor = acceptor();
        let server = serve(
            TcpListener::bind(ANY).await?,
            ServerOptions::new(),
            async move |connection: Connection| {
                let (read, write) = acceptor.accept(connection).await?.split();
                let (mut reader, writer) = (Reader::new(read), Writer::new(write));
                while let Some(line) = reader.read_line().await? {
                    writer.push(line)?;
                    writer.drain().await?;
                }
                Ok::<(), io::Error>(writer.close().await?)
            },
        );
        let address = server.local_addrs()[0];
        let name = ServerName::try_from("localhost").expect("it is a name");

        let stranger = TcpStream::connect(address).await?;
        let refused = connector(false).connect(name.clone(), stranger).await;
        assert!(refused.expect_err("it trusts nobody").to_string().contains("UnknownIssuer"));

        let stream = connector(true).connect(name, TcpStream::connect(address).await?).await?;
        let (read, write) = stream.split();
        let (mut reader, writer) = (Reader::new(read), Writer::new(write));
        let mut lines = pattern(1 << 20);
        lines.push(b'\n');
        writer.push("hello\n")?;
        assert_eq!(reader.read_line().await?, Some(&b"hello\n"[..]));
        writer.push(&lines)?;
        let close = writer.close();
        let (closed, echoed) = futures::join!(close, reader.read_to_end(2 << 20));
        closed?;
        assert!(echoed? == lines, "a byte was changed");
        assert!(reader.at_eof(), "and the end was a proper one");
        assert_eq!(server.shutdown(secs(5)).await, 0);
        Ok(())
    });
}
