//! Which right each route needs. The router is built through [`Routes`], which takes a need with each handler: a
//! route without one does not compile, and the front answers nothing that is not in the resulting [`Table`].

use std::sync::Arc;

use access::Scope;
use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use http::Method;

use crate::App;

/// What a request has to be allowed to reach a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: probes, and the login itself.
    Nothing,
    /// Some right, whichever: pages, the files that they load, the description of the routes. No picture, no name.
    Any,
    /// The scope on the stream that the path's first parameter names.
    On(Scope),
    /// The scope on some stream: the handler asks the request's grant for each stream that it touches or tells of.
    Somewhere(Scope),
    /// The same with a key, whatever is open to all (document 004's robot routes).
    Keyed(Scope),
    /// `Live` on some stream to watch, `Publish` on some stream to upload over a WebSocket: the handler looks which.
    LiveOrUpload,
}

/// The routes and what they need, side by side.
pub(crate) struct Routes {
    router: Router<Arc<App>>,
    table: Table,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), table: Table::default() }
    }

    pub(crate) fn get<H: Handler<T, Arc<App>>, T: 'static>(
        self,
        path: &'static str,
        need: Need,
        h: H,
    ) -> Self {
        self.route(Method::GET, MethodFilter::GET, path, need, h)
    }

    pub(crate) fn post<H: Handler<T, Arc<App>>, T: 'static>(
        self,
        path: &'static str,
        need: Need,
        h: H,
    ) -> Self {
        self.route(Method::POST, MethodFilter::POST, path, need, h)
    }

    pub(crate) fn put<H: Handler<T, Arc<App>>, T: 'static>(
        self,
        path: &'static str,
        need: Need,
        h: H,
    ) -> Self {
        self.route(Method::PUT, MethodFilter::PUT, path, need, h)
    }

    pub(crate) fn delete<H: Handler<T, Arc<App>>, T: 'static>(
        self,
        path: &'static str,
        need: Need,
        h: H,
    ) -> Self {
        self.route(Method::DELETE, MethodFilter::DELETE, path, need, h)
    }

    fn route<H: Handler<T, Arc<App>>, T: 'static>(
        mut self,
        method: Method,
        filter: MethodFilter,
        path: &'static str,
        need: Need,
        handler: H,
    ) -> Self {
        self.router = self.router.route(path, on(filter, handler));
        self.table.add(method, path, need);
        self
    }

    /// Routes that another library brings; those among them that are not declared stay shut.
    pub(crate) fn merge(
        mut self,
        others: Router<Arc<App>>,
        declared: &[(Method, &'static str, Need)],
    ) -> Self {
        self.router = self.router.merge(others);
        for (method, path, need) in declared {
            self.table.add(method.clone(), path, *need);
        }
        self
    }

    /// What answers where the path is known and the method is none of its.
    pub(crate) fn method_not_allowed<H: Handler<T, Arc<App>>, T: 'static>(mut self, handler: H) -> Self {
        self.router = self.router.method_not_allowed_fallback(handler);
        self
    }

    pub(crate) fn into_parts(self) -> (Router<Arc<App>>, Table) {
        (self.router, self.table)
    }
}

/// Every route's need, found by the same rules by which the router finds its handler.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Path to its place in `entries`.
    paths: matchit::Router<usize>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    path: &'static str,
    needs: Vec<(Method, Need)>,
}

/// What the table knows of a request's method and path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Route {
        need: Need,
        /// The path's first parameter, as it was sent.
        name: Option<&'a str>,
    },
    /// The path is known, the method is not one of its.
    WrongMethod,
    Nowhere,
}

impl Table {
    fn add(&mut self, method: Method, path: &'static str, need: Need) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.path == path) {
            entry.needs.push((method, need));
            return;
        }
        let inserted = self.paths.insert(path, self.entries.len());
        // The router has refused two paths that are the same by panicking already.
        debug_assert!(inserted.is_ok(), "{path}: {inserted:?}");
        self.entries.push(Entry { path, needs: vec![(method, need)] });
    }

    pub(crate) fn find<'a>(&self, method: &Method, path: &'a str) -> Found<'a> {
        let Ok(found) = self.paths.at(path) else { return Found::Nowhere };
        let Some(entry) = self.entries.get(*found.value) else { return Found::Nowhere };
        // axum answers HEAD with the handler of GET.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match entry.needs.iter().find(|(known, _)| known == method) {
            Some((_, need)) => Found::Route { need: *need, name: found.params.iter().next().map(|(_, v)| v) },
            None => Found::WrongMethod,
        }
    }

    /// Every route.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Method, &'static str, Need)> {
        self.entries.iter().flat_map(|e| e.needs.iter().map(|(method, need)| (method, e.path, *need)))
    }
}
